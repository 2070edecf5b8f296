// Helps with forms and times. The site works without this script.

function addAfter(element, tag, className) {
  const added = document.createElement(tag);
  added.className = className;
  element.after(added);
  return added;
}

// Helps with passwords: a button that shows the password, a hint about Caps Lock and a count of characters.
for (const input of document.querySelectorAll("input[type=password]")) {
  const note = addAfter(input, "p", "hint note");
  const spoken = addAfter(note, "span", "unseen");
  const button = addAfter(input, "button", "reveal");
  let capsLock = false;
  let timer;

  const show = (shown) => {
    input.type = shown ? "text" : "password";
    button.textContent = shown ? "Hide" : "Show";
    button.setAttribute("aria-label", button.textContent + " password");
  };
  button.type = "button";
  button.addEventListener("click", () => show(input.type === "password"));
  // Hides the password before the form is sent, because browsers remember the values of text fields.
  input.form?.addEventListener("submit", () => show(false));
  show(false);

  // Counts characters as the server does. The browser's own check counts an emoji as 2.
  const minimum = input.minLength;
  input.removeAttribute("minlength");
  const update = () => {
    const length = [...input.value.normalize("NFKC")].length;
    const tooShort = length > 0 && length < minimum;
    input.setCustomValidity(tooShort ? `Use ${minimum} characters or more.` : "");
    const parts = [capsLock && "Caps Lock is on.", tooShort && `${length} of ${minimum} characters`];
    note.textContent = parts.filter(Boolean).join(" ");
    // Waits for a pause, because a screen reader would otherwise read a number after each key.
    clearTimeout(timer);
    timer = setTimeout(() => { spoken.textContent = note.textContent; }, 1000);
  };
  note.setAttribute("aria-hidden", "true");
  spoken.setAttribute("aria-live", "polite");
  input.addEventListener("input", update);
  for (const type of ["keydown", "keyup"]) {
    input.addEventListener(type, (event) => {
      const isOn = Boolean(event.getModifierState?.("CapsLock"));
      if (isOn !== capsLock) {
        capsLock = isOn;
        update();
      }
    });
  }
  // Browsers keep the value of a field when a user goes back.
  addEventListener("pageshow", update);
}

// Ignores a second submission of the same form within 1 second, such as a double click. It would send the old cookie if
// the first request renews the session.
const sent = new WeakMap();
addEventListener("submit", (event) => {
  if (event.timeStamp - sent.get(event.target) < 1000) event.preventDefault();
  else sent.set(event.target, event.timeStamp);
});

// Returns a time to wait as the server writes it, such as "7 seconds", in the language of the page.
function waitInWords(seconds) {
  const [count, unit] = seconds > 90 ? [Math.ceil(seconds / 60), "minute"] : [seconds, "second"];
  const format = { style: "unit", unit, unitDisplay: "long", useGrouping: false };
  return new Intl.NumberFormat(document.documentElement.lang, format).format(count);
}

// Counts down after too many attempts. A message in a language that is not the page's stays as it is until the end.
for (const flash of document.querySelectorAll("[data-retry-after]")) {
  const end = performance.now() + flash.dataset.retryAfter * 1000;
  const message = flash.textContent;
  const wait = waitInWords(flash.dataset.retryAfter);
  // Otherwise a screen reader would read each second.
  flash.setAttribute("aria-live", "off");
  const timer = setInterval(() => {
    const seconds = Math.ceil((end - performance.now()) / 1000);
    if (seconds > 0) {
      flash.textContent = message.replace(wait, waitInWords(seconds));
    } else {
      clearInterval(timer);
      flash.className = "flash info";
      flash.setAttribute("aria-live", "polite");
      flash.textContent = flash.dataset.retryNow;
    }
  }, 1000);
}

// Shows times in the visitor's time zone.
const dayFormat = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "long", year: "numeric" });
const timeFormat = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit" });
const day = (date) => dayFormat.format(date);

function inWords(date, near) {
  return near[day(date)] ? `${near[day(date)]} ${timeFormat.format(date)}` : `${day(date)}, ${timeFormat.format(date)}`;
}

const opened = Date.now();

function showTimes() {
  const daysFromToday = (days) => day(new Date(new Date().setDate(new Date().getDate() + days)));
  const near = { [daysFromToday(-1)]: "yesterday", [daysFromToday(0)]: "today", [daysFromToday(1)]: "tomorrow" };
  for (const element of document.querySelectorAll("time[datetime$=Z]")) {
    const date = new Date(element.dateTime);
    const minutes = Math.ceil((date - Date.now()) / 60_000);
    if (element.dataset.show === "day") element.textContent = day(date);
    else if (element.dataset.show !== "left") element.textContent = inWords(date, near);
    // If the period was over when the page opened, the visitor's clock is wrong.
    else if (minutes <= 0 && date > opened) element.parentElement.textContent = element.dataset.after;
    else if (minutes > 0 && minutes <= 60) element.textContent = `for ${minutes} more minute${minutes === 1 ? "" : "s"}`;
    else element.textContent = `until ${inWords(date, near)}`;
  }
}

showTimes();
setInterval(showTimes, 30_000);
// Browsers slow down the timers of a page that is in the background.
document.addEventListener("visibilitychange", showTimes);
