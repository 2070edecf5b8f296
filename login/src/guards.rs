//! The request guards. A handler runs only if all of its guards succeed.

use std::fmt;
use std::ops::Deref;
use std::sync::Arc;

use rocket::request::{FromRequest, Outcome};
use rocket::{Ignite, Request, Rocket, Sentinel};

use crate::state::current_user;
use crate::unauthorized::LastError;
use crate::{AuthError, Login, LoginManager, LoginUser};

/// The user who is logged in, if any: Flask-Login's `current_user`.
///
/// The guard always succeeds, unless the store fails. The response is then a 503, so that a user
/// who is logged in never appears as anonymous.
pub struct CurrentUser<U>(Option<Arc<U>>);

impl<U> CurrentUser<U> {
    /// Returns the user, or `None` for an anonymous user.
    pub fn user(&self) -> Option<&U> {
        self.0.as_deref()
    }

    /// Returns whether a user is logged in.
    pub fn is_authenticated(&self) -> bool {
        self.0.is_some()
    }

    /// Consumes the guard and returns the shared user.
    pub fn into_inner(self) -> Option<Arc<U>> {
        self.0
    }
}

/// A user who is logged in: Flask-Login's `@login_required`. The guard dereferences to the user.
///
/// If the user is anonymous, the [`LoginManager`] responds with a redirect to the login page or
/// with a 401. The guard never forwards, so Rocket tries no other route. For a page that anonymous
/// users can also open, use [`CurrentUser`].
///
/// ```
/// # use rocket::{get, routes};
/// # use rocket_login::{LoginStore, LoginUser};
/// # pub struct User { username: String }
/// # impl LoginUser for User { type Store = Users; fn id(&self) -> String { self.username.clone() } }
/// # pub struct Users;
/// # impl LoginStore for Users {
/// #     type User = User;
/// #     type Error = std::convert::Infallible;
/// #     async fn load(&self, _: &str, _: i64) -> Result<Option<User>, Self::Error> { Ok(None) }
/// # }
/// // Once per app:
/// type RequiredUser = rocket_login::RequiredUser<User>;
///
/// #[get("/dashboard")]
/// fn dashboard(user: RequiredUser) -> String {
///     format!("Welcome, {}!", user.username)
/// }
/// # routes![dashboard];
/// ```
pub struct RequiredUser<U>(Arc<U>);

/// A user who recently entered their password: Flask-Login's `@fresh_login_required`. The guard
/// dereferences to the user.
///
/// The guard protects sensitive actions, such as a password change, in a browser that was left
/// unattended.
pub struct FreshUser<U>(Arc<U>);

fn current<U: LoginUser>(request: &Request<'_>) -> Result<CurrentUser<U>, AuthError> {
    current_user(request).map(CurrentUser)
}

fn required<U: LoginUser>(request: &Request<'_>) -> Result<RequiredUser<U>, AuthError> {
    let user = current_user(request)?;
    if !LoginManager::<U>::of(request).is_some_and(|manager| manager.config.applies_to(request)) {
        let name = std::any::type_name::<U>();
        rocket::warn!("`LoginManager<{name}>` does not load users for {}.", request.uri().path());
    }
    user.map(RequiredUser).ok_or(AuthError::Unauthorized)
}

fn fresh<U: LoginUser>(request: &Request<'_>) -> Result<FreshUser<U>, AuthError> {
    let RequiredUser(user) = required(request)?;
    if login::<U>(request)?.is_fresh() { Ok(FreshUser(user)) } else { Err(AuthError::NeedsRefresh) }
}

fn login<'r, U: LoginUser>(request: &'r Request<'_>) -> Result<Login<'r, U>, AuthError> {
    current_user::<U>(request)?;
    Login::of(request).ok_or(AuthError::Unavailable)
}

/// Converts `result` into an outcome, and records the error, if any, for the catcher.
///
/// The outcome never forwards. Otherwise, Rocket would try the next route, and a file server there
/// could turn the response into a 404.
fn outcome<U: LoginUser, T>(
    result: Result<T, AuthError>,
    request: &Request<'_>,
) -> Outcome<T, AuthError> {
    result.map_or_else(
        |error| {
            LastError::of(request).guard_failed(error, LoginManager::<U>::respond);
            Outcome::Error((error.status(), error))
        },
        Outcome::Success,
    )
}

/// Returns `true` and logs an error if no `LoginManager<U>` is attached. Rocket calls this function
/// if a route has a guard for `U`, and aborts the launch if the result is `true`.
fn lacks_manager<U: LoginUser>(rocket: &Rocket<Ignite>) -> bool {
    let lacks = rocket.state::<LoginManager<U>>().is_none();
    if lacks {
        let user = std::any::type_name::<U>();
        rocket::error!(
            "A route has a guard for `{user}`, but no `LoginManager<{user}>` is attached."
        );
    }
    lacks
}

macro_rules! guard {
    ($r:lifetime, $guard:ty, $from_request:ident) => {
        #[rocket::async_trait]
        impl<$r, U: LoginUser> FromRequest<$r> for $guard {
            type Error = AuthError;

            async fn from_request(request: &$r Request<'_>) -> Outcome<Self, AuthError> {
                outcome::<U, _>($from_request(request), request)
            }
        }

        impl<$r, U: LoginUser> Sentinel for $guard {
            fn abort(rocket: &Rocket<Ignite>) -> bool {
                lacks_manager::<U>(rocket)
            }
        }
    };
}

guard!('r, CurrentUser<U>, current);
guard!('r, RequiredUser<U>, required);
guard!('r, FreshUser<U>, fresh);
guard!('r, Login<'r, U>, login);

macro_rules! user {
    ($guard:ident) => {
        impl<U> $guard<U> {
            /// Consumes the guard and returns the shared user.
            pub fn into_inner(self) -> Arc<U> {
                self.0
            }
        }

        impl<U> Deref for $guard<U> {
            type Target = U;

            fn deref(&self) -> &U {
                &self.0
            }
        }
    };
}

user!(RequiredUser);
user!(FreshUser);

// Implements the traits manually, because derived impls would require `U: Clone` and `U: Debug`.
macro_rules! clone_and_debug {
    ($($guard:ident)*) => {
        $(
            impl<U> Clone for $guard<U> {
                fn clone(&self) -> Self {
                    $guard(self.0.clone())
                }
            }

            impl<U> fmt::Debug for $guard<U> {
                fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                    f.debug_struct(stringify!($guard)).finish_non_exhaustive()
                }
            }
        )*
    };
}

clone_and_debug!(CurrentUser RequiredUser FreshUser);
