//! Who is asking: user sessions for Rocket, as Flask-Login does them for Flask.
//!
//! This module manages logins and nothing else. It knows no table, template, password or route:
//! the app says how a user is found ([`LoginUser`]), checks credentials in a way of its own, and
//! then calls [`Login::log_in`]. To use it elsewhere, copy this folder and turn on Rocket's features
//! `json` and `secrets`. What guards the door in this app stays with the app: the refusal of cross-site
//! forms, the slowing of guesses, `no-store` on every page.
//!
//! | Flask-Login | here |
//! | --- | --- |
//! | `LoginManager`, `init_app` | [`LoginManager`], attached with [`LoginManager::fairing`] |
//! | `UserMixin`, `user_loader`, `request_loader`, `get_id` | [`LoginUser`] |
//! | `login_user`, `logout_user`, `confirm_login` | [`Login::log_in`], [`Login::log_out`], [`Login::confirm`] |
//! | `login_fresh`, `login_remembered` | [`Login::is_fresh`], [`Login::is_remembered`] |
//! | `current_user` | [`CurrentUser`] in a handler, [`current_user`] anywhere else |
//! | `@login_required`, `@fresh_login_required` | [`RequiredUser`], [`FreshUser`] |
//! | `unauthorized_handler`, `needs_refresh_handler` | methods of [`LoginManager`] of the same names |
//! | `session_protection`, `REMEMBER_COOKIE_DURATION`, … | [`Settings`] |
//! | `FlaskLoginClient` | [`LoginManager::test_cookie`] |
//! | signals | [`LoginManager::on_event`] |
//! | the check of `next` that its documentation asks for | [`Next`] |
//!
//! What differs, and why:
//!
//! - There is one cookie, not two: "remember me" makes the same cookie last, so there is no second
//!   token that outlives a logout.
//! - The cookie is encrypted and says itself when it ends; with ids that the app can end, a copy of
//!   it is worth nothing after a logout.
//! - Fresh is an age and not a flag: a password typed yesterday proves little today.
//! - Session protection looks at the `User-Agent` alone. Addresses change whenever a phone leaves
//!   the house, and signing its owner out teaches people to click "remember me".
//! - There is no `force`: an inactive user would be refused on the very next request. There is no
//!   `fresh=False` either: who proves no password is a user of [`LoginUser::load_from_request`].
//! - The user of a cookie is loaded whether a handler asks or not, so that every page can show who is
//!   signed in; [`LoginManager::exempt`] names the paths where nobody asks. Strangers cost nothing.
//! - A cookie whose login is gone stays in the browser, where it opens nothing: in another tab a new one
//!   may just have taken its place. It is written at a login and a proof and never in between, so
//!   there is no refresh at each request, and a remembered login ends when it was said to.
//! - Nobody is `None`, not an anonymous user with flags; how users compare is for the app to say.
//! - The cookie has no settings of its own: `Path=/`, `HttpOnly`, `SameSite=Lax`, no `Domain`, and
//!   `Secure` where the site is served over HTTPS. Nothing else is safe for all of a site.
//! - `OPTIONS` needs no exemption: it meets a guard only where an `OPTIONS` route asks for one.
//! - `next` travels in the query alone, and only as a path of this site.
//! - Other views for other parts of the app, or a message in the visitor's language, come from
//!   [`unauthorized_handler`](LoginManager::unauthorized_handler), which sees the request. Users of
//!   another kind have a manager of their own, [`under`](LoginManager::under) a path.
//! - `basic` protection tells nobody: the event of a stale login is its [`Event::Refused`].

mod clock;
mod current;
mod fairing;
mod guards;
mod manager;
mod next;
mod refusal;
mod settings;
mod ticket;
mod user;
mod verbs;

pub use clock::Clock;
pub use current::current_user;
pub use guards::{CurrentUser, FreshUser, RequiredUser};
pub use manager::{Event, LoginManager};
pub use next::Next;
pub use refusal::{Refusal, expects_json};
pub use settings::{SessionProtection, Settings};
pub use user::{LoginUser, NewLogin};
pub use verbs::{Login, Remember};
