
spatialView(document.getElementById("spatial-view"), JSON.parse(document.getElementById("page-data").textContent));
