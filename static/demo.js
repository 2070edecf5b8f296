// Remembers whether the panel is closed. The panel works without this script.
const panel = document.querySelector(".panel details");
try {
  panel.open = localStorage.getItem("panel") !== "closed";
  panel.addEventListener("toggle", () => localStorage.setItem("panel", panel.open ? "open" : "closed"));
} catch {
  // The browser blocks storage, so the panel opens on each page.
}
