#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]
#![deny(missing_docs)]

mod clock;
mod cookie;
mod fairing;
mod guards;
mod keys;
mod launch;
mod manager;
mod next;
mod options;
mod serialize;
mod session;
mod settings;
mod state;
mod store;
pub mod testing;
mod unauthorized;
mod user;

pub use clock::Clock;
pub use guards::{CurrentUser, FreshUser, RequiredUser};
pub use keys::PreviousSecretKeys;
pub use manager::{Event, LoginManager};
pub use next::{Next, login_url};
pub use options::{LoginOptions, Remember};
pub use session::Login;
pub use settings::{SessionProtection, Settings};
pub use state::current_user;
pub use store::{LoginStore, NewSession};
pub use unauthorized::{AuthError, expects_json};
pub use user::LoginUser;
