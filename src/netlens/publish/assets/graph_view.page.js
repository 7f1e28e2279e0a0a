
graphView(document.getElementById("graph-view"), JSON.parse(document.getElementById("page-data").textContent));
