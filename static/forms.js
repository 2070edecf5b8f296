// Helps with forms. The site works without it.

// A button that shows the password.
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
  // Browsers remember the values of text fields.
  input.form.addEventListener("submit", () => show(false));
  input.after(button);
  show(false);
}

// Send a form only once: the first of two clicks renews the session, so the second would have an expired cookie.
let sent = -Infinity;
addEventListener("submit", (event) => {
  if (event.timeStamp - sent < 1000) event.preventDefault();
  else sent = event.timeStamp;
});
