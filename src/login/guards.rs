//! The guards: a type in a handler's signature is the proof of who is asking.

use std::ops::Deref;
use std::sync::Arc;

use rocket::request::{FromRequest, Outcome};
use rocket::{Ignite, Request, Rocket, Sentinel};

use super::current::current_user;
use super::manager::LoginManager;
use super::refusal::Refusal;
use super::user::LoginUser;
use super::verbs::Login;

/// The user of this request, if there is one: Flask-Login's `current_user`.
///
/// Lets everybody in. Only a store that does not answer ends the request, with 503: a page that
/// took a user for a stranger would be wrong.
#[derive(Debug, Clone)]
pub struct CurrentUser<U>(Option<Arc<U>>);

impl<U> CurrentUser<U> {
    /// The user, if somebody is signed in.
    pub fn user(&self) -> Option<&U> {
        self.0.as_deref()
    }

    /// Whether somebody is signed in.
    pub fn is_authenticated(&self) -> bool {
        self.0.is_some()
    }
}

/// A user who is signed in: Flask-Login's `@login_required`. Strangers get the manager's answer.
#[derive(Debug, Clone)]
pub struct RequiredUser<U>(Arc<U>);

impl<U> Deref for RequiredUser<U> {
    type Target = U;

    fn deref(&self) -> &U {
        &self.0
    }
}

/// A user who typed the password a short while ago: Flask-Login's `@fresh_login_required`.
///
/// For what a borrowed browser should not do, such as changing the password.
#[derive(Debug, Clone)]
pub struct FreshUser<U>(Arc<U>);

impl<U> Deref for FreshUser<U> {
    type Target = U;

    fn deref(&self) -> &U {
        &self.0
    }
}

fn required<U: LoginUser>(request: &Request<'_>) -> Result<Arc<U>, Refusal> {
    current_user(request)?.ok_or(Refusal::Unauthorized)
}

fn fresh<U: LoginUser>(request: &Request<'_>) -> Result<Arc<U>, Refusal> {
    let user = required(request)?;
    let login = Login::<U>::of(request).ok_or(Refusal::Unavailable)?;
    if login.is_fresh() { Ok(user) } else { Err(Refusal::NeedsRefresh) }
}

/// Never forwards: Rocket would try the next route, and answer 404 where that is a file server.
fn outcome<T>(result: Result<T, Refusal>, request: &Request<'_>) -> Outcome<T, Refusal> {
    match result {
        Ok(guard) => Outcome::Success(guard),
        Err(refusal) => {
            // For the catcher, which does not see a guard's error.
            request.local_cache(|| refusal);
            Outcome::Error((refusal.status(), refusal))
        }
    }
}

#[rocket::async_trait]
impl<'r, U: LoginUser> FromRequest<'r> for CurrentUser<U> {
    type Error = Refusal;

    async fn from_request(request: &'r Request<'_>) -> Outcome<Self, Refusal> {
        outcome(current_user(request).map(CurrentUser), request)
    }
}

#[rocket::async_trait]
impl<'r, U: LoginUser> FromRequest<'r> for RequiredUser<U> {
    type Error = Refusal;

    async fn from_request(request: &'r Request<'_>) -> Outcome<Self, Refusal> {
        outcome(required(request).map(RequiredUser), request)
    }
}

#[rocket::async_trait]
impl<'r, U: LoginUser> FromRequest<'r> for FreshUser<U> {
    type Error = Refusal;

    async fn from_request(request: &'r Request<'_>) -> Outcome<Self, Refusal> {
        outcome(fresh(request).map(FreshUser), request)
    }
}

#[rocket::async_trait]
impl<'r, U: LoginUser> FromRequest<'r> for Login<'r, U> {
    type Error = Refusal;

    async fn from_request(request: &'r Request<'_>) -> Outcome<Self, Refusal> {
        let login =
            current_user::<U>(request).and_then(|_| Login::of(request).ok_or(Refusal::Unavailable));
        outcome(login, request)
    }
}

/// Stops the launch of an app whose routes ask for `U` although no manager of `U` is attached.
fn lacks_manager<U: LoginUser>(rocket: &Rocket<Ignite>) -> bool {
    let lacks = rocket.state::<LoginManager<U>>().is_none();
    if lacks {
        let user = std::any::type_name::<U>();
        rocket::error!("A route asks for a `{user}`: attach `LoginManager::<{user}>`'s fairing.");
    }
    lacks
}

impl<U: LoginUser> Sentinel for CurrentUser<U> {
    fn abort(rocket: &Rocket<Ignite>) -> bool {
        lacks_manager::<U>(rocket)
    }
}

impl<U: LoginUser> Sentinel for RequiredUser<U> {
    fn abort(rocket: &Rocket<Ignite>) -> bool {
        lacks_manager::<U>(rocket)
    }
}

impl<U: LoginUser> Sentinel for FreshUser<U> {
    fn abort(rocket: &Rocket<Ignite>) -> bool {
        lacks_manager::<U>(rocket)
    }
}

impl<U: LoginUser> Sentinel for Login<'_, U> {
    fn abort(rocket: &Rocket<Ignite>) -> bool {
        lacks_manager::<U>(rocket)
    }
}
