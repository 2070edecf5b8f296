//! The fairing and the catcher of the login manager.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use rocket::catcher::{BoxFuture, Catcher};
use rocket::fairing::{self, Fairing, Info, Kind};
use rocket::futures::FutureExt;
use rocket::http::Status;
use rocket::response::Responder;
use rocket::{Build, Data, Request, Response, Rocket};

use crate::cookie::user_agent_hash;
use crate::launch::CookieNames;
use crate::manager::{Event, LoginManager};
use crate::session::unavailable;
use crate::state::{AuthState, Shared, user_agent};
use crate::unauthorized::{LastError, expects_json, json_error};
use crate::{AuthError, LoginStore, LoginUser, SessionProtection};

#[rocket::async_trait]
impl<U: LoginUser> Fairing for LoginManager<U> {
    fn info(&self) -> Info {
        Info { name: "Login", kind: Kind::Ignite | Kind::Request | Kind::Response }
    }

    async fn on_ignite(&self, rocket: Rocket<Build>) -> fairing::Result {
        let rocket = match rocket.state::<CookieNames>() {
            Some(_) => rocket,
            None => rocket.manage(CookieNames::default()),
        };
        match self.ready(&rocket) {
            Ok(manager) => {
                let base = self.config.base.clone();
                Ok(rocket.manage(manager).register(base, vec![catcher::<U>()]))
            }
            Err(reason) => {
                rocket::error!("`LoginManager<{}>`: {reason}.", std::any::type_name::<U>());
                Err(rocket)
            }
        }
    }

    async fn on_request(&self, request: &mut Request<'_>, _: &mut Data<'_>) {
        let Some(manager) = LoginManager::<U>::of(request) else { return };
        if manager.config.applies_to(request) {
            // Catches panics, because a panic in a fairing would close the connection without a
            // response.
            let identified = AssertUnwindSafe(manager.identify(request)).catch_unwind();
            if identified.await.is_err() {
                rocket::error!("A panic occurred while the user was being loaded.");
                Shared::<U>::of(request).set(AuthState::Unavailable);
            }
        }
    }

    async fn on_response<'r>(&self, request: &'r Request<'_>, response: &mut Response<'r>) {
        if Shared::<U>::of(request).logged_out.load(Ordering::Relaxed) {
            if let Some(manager) = LoginManager::<U>::of(request) {
                manager.config.cookie.remove_in(response);
            }
        }
    }
}

impl<U: LoginUser> LoginManager<U> {
    async fn identify(&self, request: &Request<'_>) {
        let state = self.load(request).await.unwrap_or(AuthState::Unavailable);
        let loaded = match &state {
            AuthState::LoggedIn { user, session } => Some((user.clone(), session.is_some())),
            _ => None,
        };
        Shared::of(request).set(state);
        match loaded {
            Some((user, true)) => self.emit(Event::LoadedFromCookie(&user), request),
            Some((user, false)) => self.emit(Event::LoadedFromRequest(&user), request),
            None => {}
        }
    }

    async fn load(&self, request: &Request<'_>) -> Result<AuthState<U>, AuthError> {
        let Some(store) = request.rocket().state::<U::Store>() else {
            return Ok(AuthState::Anonymous);
        };
        let now = self.config.clock.now();
        if let Some(session) = self.config.cookie.open(request.cookies(), now) {
            if let Some(user) =
                active(store.load(&session.session_id, now).await.map_err(unavailable)?)
            {
                let moved = session.user_agent_hash != user_agent_hash(user_agent(request));
                if !moved || self.config.settings.session_protection != SessionProtection::Strong {
                    self.config.cookie.reseal(request, &session, now);
                    return Ok(AuthState::LoggedIn { user, session: Some(session) });
                }
                if store.end_session(&session.session_id).await.map_err(unavailable)? {
                    self.emit(Event::SessionProtected(&user), request);
                }
            }
        }
        let user = active(store.load_from_request(request).await.map_err(unavailable)?);
        Ok(user.map_or(AuthState::Anonymous, |user| AuthState::LoggedIn { user, session: None }))
    }
}

fn active<U: LoginUser>(user: Option<U>) -> Option<Arc<U>> {
    user.filter(U::is_active).map(Arc::new)
}

fn catcher<U: LoginUser>() -> Catcher {
    let mut catcher = Catcher::new(Status::Unauthorized.code, respond::<U>);
    catcher.name = Some("unauthorized".into());
    catcher
}

fn respond<'r, U: LoginUser>(_: Status, request: &'r Request<'_>) -> BoxFuture<'r> {
    Box::pin(async move {
        let last = LastError::of(request).take();
        match last {
            Some((error, respond)) => respond.unwrap_or(LoginManager::<U>::respond)(error, request),
            // The 401 comes from a handler or from another crate.
            None if expects_json(request) => json_error(AuthError::Unauthorized, request),
            None => (Status::Unauthorized, "401 Unauthorized").respond_to(request),
        }
    })
}
