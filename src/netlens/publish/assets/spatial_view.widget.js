
function render({ model, el }) {
  const message = document.createElement("p");
  message.className = "sv-message";
  message.setAttribute("role", "alert");
  const place = document.createElement("div");
  el.append(message, place);
  let view = null;

  const tell = () => {
    message.textContent = model.get("message");
    message.hidden = !message.textContent;
  };
  const draw = () => {
    const data = model.get("data");
    view?.stop();
    view = null;
    place.replaceChildren();
    if (!data.scenes?.length) return;
    const onPoint = (pointed) => {
      model.set("pointed", pointed ?? {});
      model.save_changes();
    };
    const pointed = model.get("pointed");
    view = spatialView(place, data, { pointed: "side" in pointed ? pointed : null, onPoint });
  };
  model.on("change:message", tell);
  model.on("change:data", draw);
  tell();
  draw();
  return () => {
    view?.stop();
    model.off("change:message", tell);
    model.off("change:data", draw);
  };
}

export default { render };
