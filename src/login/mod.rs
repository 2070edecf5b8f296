//! Who is asking: user sessions for Rocket, as Flask-Login does them for Flask.
//!
//! This module manages logins and nothing else. It knows no table, template, password or route:
//! the app says how a user is found ([`LoginUser`]), checks credentials in a way of its own, and
//! then calls [`Login::log_in`]. To use it elsewhere, copy this folder.
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
//! - There is no `force`: an inactive user would be refused on the very next request.
//! - `OPTIONS` needs no exemption: it meets a guard only where an `OPTIONS` route asks for one.
//! - A message in the visitor's language comes from
//!   [`unauthorized_handler`](LoginManager::unauthorized_handler), which sees the request.

mod clock;
mod current;
mod guards;
mod manager;
mod next;
mod refusal;
mod settings;
mod ticket;
mod user;
mod verbs;

pub use clock::Clock;
pub use current::{Unavailable, current_user};
pub use guards::{CurrentUser, FreshUser, RequiredUser};
pub use manager::{Event, LoginManager};
pub use next::Next;
pub use refusal::{Refusal, expects_json};
pub use settings::{SessionProtection, Settings};
pub use user::{LoginUser, NewLogin};
pub use verbs::{Login, Remember};
