// Helps with forms. The site works without this script.

// Adds a button that shows the password.
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
  // Hides the password before the form is sent, because browsers remember the values of text fields.
  input.form.addEventListener("submit", () => show(false));
  input.after(button);
  show(false);
}

// Sends a form only once after a double click, because the first request can renew the session. The second request
// would have the old cookie.
let sent = -Infinity;
addEventListener("submit", (event) => {
  if (event.timeStamp - sent < 1000) event.preventDefault();
  else sent = event.timeStamp;
});
