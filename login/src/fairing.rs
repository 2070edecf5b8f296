//! What the manager does at launch, before each request is routed, and for each 401.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use rocket::catcher::{BoxFuture, Catcher};
use rocket::fairing::{self, Fairing, Info, Kind};
use rocket::futures::FutureExt;
use rocket::http::Status;
use rocket::http::uri::Reference;
use rocket::{Build, Config, Data, Request, Rocket};

use crate::cookie::user_agent_hash;
use crate::manager::{Event, LoginManager};
use crate::session::StoreError;
use crate::state::{AuthState, Shared, user_agent};
use crate::unauthorized::LastError;
use crate::{LoginStore, LoginUser, SessionProtection, Settings};

#[rocket::async_trait]
impl<U: LoginUser> Fairing for LoginManager<U> {
    fn info(&self) -> Info {
        Info { name: "Login", kind: Kind::Ignite | Kind::Request }
    }

    async fn on_ignite(&self, rocket: Rocket<Build>) -> fairing::Result {
        match self.ready_for(&rocket) {
            Ok(manager) => {
                let base = manager.config.base.clone();
                Ok(rocket.register(base, vec![catcher::<U>()]).manage(manager))
            }
            Err(sentence) => {
                rocket::error!("{sentence}");
                Err(rocket)
            }
        }
    }

    async fn on_request(&self, request: &mut Request<'_>, _: &mut Data<'_>) {
        let Some(manager) = LoginManager::<U>::of(request) else { return };
        if manager.config.applies_to(request) {
            // A panic in a fairing would drop the connection without a response.
            let identified = AssertUnwindSafe(manager.identify(request)).catch_unwind();
            if identified.await.is_err() {
                rocket::error!("Loading the user of a request panicked.");
                Shared::<U>::of(request).set(AuthState::Unavailable);
            }
        }
    }
}

impl<U: LoginUser> LoginManager<U> {
    /// This manager with its settings, for the app's state, or what is wrong with the app.
    fn ready_for(&self, rocket: &Rocket<Build>) -> Result<LoginManager<U>, String> {
        let user = std::any::type_name::<U>();
        if rocket.state::<LoginManager<U>>().is_some() {
            return Err(format!("Two `LoginManager<{user}>` are attached: attach one."));
        }
        if rocket.state::<U::Store>().is_none() {
            let store = std::any::type_name::<U::Store>();
            return Err(format!("`LoginManager<{user}>` needs `.manage(…)` with a `{store}`."));
        }
        let mut config = self.config.clone();
        let views = config.unauthorized.views().chain(config.needs_refresh.views());
        if let Some(view) = views.into_iter().find(|view| Reference::parse(view).is_err()) {
            return Err(format!("The view `{view}` of `LoginManager<{user}>` is no URI."));
        }
        if config.reads_settings {
            config.settings = Settings::from_figment(rocket.figment(), &config.app_settings)
                .map_err(|error| error.to_string())?;
        }
        let tls = Config::try_from(rocket.figment()).is_ok_and(|config| config.tls_enabled());
        config.cookie.secure = tls || config.settings.secure_cookies;
        Ok(LoginManager { config, subscribers: self.subscribers.clone() })
    }

    async fn identify(&self, request: &Request<'_>) {
        let state = self.load(request).await.unwrap_or_else(|cause| {
            rocket::error!("The user of a request could not be loaded: {cause}");
            AuthState::Unavailable
        });
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

    async fn load(&self, request: &Request<'_>) -> Result<AuthState<U>, StoreError<U>> {
        let Some(store) = request.rocket().state::<U::Store>() else {
            return Ok(AuthState::Anonymous);
        };
        let now = self.config.clock.now();
        if let Some(session) = self.config.cookie.open(request.cookies(), now) {
            if let Some(user) = active(store.load(&session.session_id, now).await?) {
                let moved = session.user_agent_hash != user_agent_hash(user_agent(request));
                if !moved || self.config.settings.session_protection != SessionProtection::Strong {
                    return Ok(AuthState::LoggedIn { user, session: Some(session) });
                }
                if store.end_session(&session.session_id).await? {
                    self.emit(Event::SessionProtected(&user), request);
                }
            }
        }
        let user = active(store.load_from_request(request).await?);
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
        let (error, respond) = LastError::of(request).take(LoginManager::<U>::respond);
        respond(error, request)
    })
}
