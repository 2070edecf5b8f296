// Remembers whether the panel is closed. The panel works without this script.
const panel = document.querySelector(".inside details");
panel.open = localStorage.getItem("panel") !== "closed";
panel.addEventListener("toggle", () => localStorage.setItem("panel", panel.open ? "open" : "closed"));
