// What helps with forms. Without it, all else works as well.

// See the password that one types.
for (const input of document.querySelectorAll("input[type=password]")) {
  const button = document.createElement("button");
  const show = (shown) => {
    input.type = shown ? "text" : "password";
    button.textContent = shown ? "Hide" : "Show";
    button.setAttribute("aria-label", button.textContent + " password");
  };
  button.type = "button";
  button.className = "reveal";
  button.addEventListener("click", () => show(input.type === "password"));
  // A browser remembers what stands in a text field.
  input.form.addEventListener("submit", () => show(false));
  input.after(button);
  show(false);
}

// Send a form once: the second of two clicks would come with a cookie that the first has made worthless, or end a
// session that is gone.
let sent = -Infinity;
addEventListener("submit", (event) => {
  if (event.timeStamp - sent < 1000) event.preventDefault();
  else sent = event.timeStamp;
});
