//! What happens to a request before and after its guards: the user is found, a refusal is put into words.

use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Mutex, PoisonError};

use rocket::catcher::{BoxFuture, Catcher};
use rocket::fairing::{self, Fairing, Info, Kind};
use rocket::futures::FutureExt;
use rocket::http::Status;
use rocket::{Build, Config, Data, Request, Rocket};

use super::current::{Known, user_agent};
use super::manager::{Event, LoginManager};
use super::refusal::Refusal;
use super::settings::SessionProtection;
use super::ticket::browser;
use super::user::LoginUser;

impl<U: LoginUser> LoginManager<U> {
    /// Finds the user of each request before it is routed, and answers every 401 of the app, or of the part
    /// that is [`under`](Self::under) its path: a second catcher of 401 there would stop the launch.
    ///
    /// The launch stops too if the app does not manage the user's [`LoginUser::Store`].
    pub fn fairing(self) -> impl Fairing {
        LoginFairing(Mutex::new(Some(self)))
    }

    fn minds(&self, request: &Request<'_>) -> bool {
        let path = request.uri().path();
        let is_under = |base: &str| {
            let rest = path.strip_prefix(base.trim_end_matches('/'));
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        };
        is_under(self.base) && !self.exempt.iter().any(|exempt| is_under(exempt))
    }
}

/// Holds the manager until the launch. One fairing for launch and requests, so that those attached after it
/// know the user: what a fairing attaches at the launch comes last of all.
struct LoginFairing<U: LoginUser>(Mutex<Option<LoginManager<U>>>);

#[rocket::async_trait]
impl<U: LoginUser> Fairing for LoginFairing<U> {
    fn info(&self) -> Info {
        Info { name: "Login", kind: Kind::Ignite | Kind::Request }
    }

    async fn on_ignite(&self, rocket: Rocket<Build>) -> fairing::Result {
        let manager = self.0.lock().unwrap_or_else(PoisonError::into_inner).take();
        let Some(mut manager) = manager else { return Err(rocket) };
        if rocket.state::<U::Store>().is_none() {
            let store = std::any::type_name::<U::Store>();
            rocket::error!("Logins need `.manage(…)` with the store of users, a `{store}`.");
            return Err(rocket);
        }
        let tls = Config::try_from(rocket.figment()).is_ok_and(|config| config.tls_enabled());
        manager.cookie.secure |= tls;
        let base = manager.base;
        Ok(rocket.manage(manager).register(base, vec![catcher::<U>()]))
    }

    async fn on_request(&self, request: &mut Request<'_>, _: &mut Data<'_>) {
        if let Some(manager) = LoginManager::<U>::of(request)
            && manager.minds(request)
        {
            identify(request, manager).await;
        }
    }
}

/// Finds out, with one question to the store, or none for a stranger.
async fn identify<U: LoginUser>(request: &Request<'_>, manager: &LoginManager<U>) {
    // A panic in a fairing would drop the connection without an answer.
    let known = match AssertUnwindSafe(load(request, manager)).catch_unwind().await {
        Ok(Ok(known)) => known,
        Ok(Err(cause)) => {
            rocket::error!("The user of this request could not be loaded: {cause}");
            Known::Unavailable
        }
        Err(_) => {
            rocket::error!("Loading the user of this request panicked.");
            Known::Unavailable
        }
    };
    *Known::of(request) = known;
}

async fn load<U: LoginUser>(
    request: &Request<'_>,
    manager: &LoginManager<U>,
) -> Result<Known<U>, U::Error> {
    let Some(store) = request.rocket().state::<U::Store>() else {
        return Ok(Known::Nobody);
    };
    if let Some(ticket) = manager.cookie.open(request.cookies(), manager.clock.now()) {
        let moved = ticket.browser != browser(user_agent(request));
        if moved && manager.settings.session_protection == SessionProtection::Strong {
            U::end(store, &ticket.id).await?;
            manager.emit(Event::OtherBrowser, request);
        } else if let Some(user) = active(U::load(store, &ticket.id).await?) {
            return Ok(Known::User { user, ticket: Some(ticket) });
        }
    }
    let user = active(U::load_from_request(store, request).await?);
    Ok(user.map_or(Known::Nobody, |user| Known::User { user, ticket: None }))
}

fn active<U: LoginUser>(user: Option<U>) -> Option<Arc<U>> {
    user.filter(U::is_active).map(Arc::new)
}

/// Answers every 401 of the app: a guard can refuse but has no words.
fn catcher<U: LoginUser>() -> Catcher {
    let mut catcher = Catcher::new(Status::Unauthorized.code, handle::<U>);
    catcher.name = Some("unauthorized".into());
    catcher
}

fn handle<'r, U: LoginUser>(status: Status, request: &'r Request<'_>) -> BoxFuture<'r> {
    Box::pin(async move {
        let manager = LoginManager::<U>::of(request).ok_or(status)?;
        // The guard left it there, because a catcher does not see a guard's error.
        let refusal = *request.local_cache(|| Refusal::Unauthorized);
        manager.emit(Event::Refused(refusal), request);
        match refusal {
            Refusal::NeedsRefresh => {
                manager.needs_refresh.answer("Reauthentication required", request)
            }
            _ => manager.unauthorized.answer("Unauthorized", request),
        }
    })
}
