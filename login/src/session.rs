//! Logging in, reauthenticating and logging out.

use std::sync::Arc;

use rocket::Request;
use rocket::http::CookieJar;

use crate::cookie::{SessionCookie, user_agent_hash};
use crate::manager::{Event, LoginManager};
use crate::state::{AuthState, Shared, user_agent};
use crate::{LoginOptions, LoginStore, LoginUser, NewSession, Remember, SessionProtection};

/// Why the store of `U` did not answer.
pub(crate) type StoreError<U> = <<U as LoginUser>::Store as LoginStore>::Error;

/// The login of this request: a guard that always succeeds, unless the store did not answer.
///
/// Its methods are Flask-Login's `login_user`, `logout_user`, `confirm_login`, `login_fresh` and
/// `login_remembered`. They change the store first and the cookie last, so a store that does not
/// answer changes nothing for the user.
///
/// ```
/// # use rocket::response::Redirect;
/// use rocket_login::{Login, LoginUser, Remember};
///
/// /// Called once the password has been checked.
/// async fn log_in<U: LoginUser>(user: U, login: Login<'_, U>) -> Result<Redirect, &'static str> {
///     match login.log_in(user, Remember::No).await {
///         Ok(true) => Ok(Redirect::to("/dashboard")),
///         _ => Err("Invalid username or password."),
///     }
/// }
/// ```
pub struct Login<'r, U: LoginUser> {
    manager: &'r LoginManager<U>,
    store: &'r U::Store,
    state: &'r Shared<U>,
    jar: &'r CookieJar<'r>,
    user_agent: &'r str,
    events: &'r (dyn Emit<U> + 'r),
}

/// Emits an event of a request. A trait, because a `Request` of Rocket 0.5.1 can't be kept.
trait Emit<U: LoginUser>: Send + Sync {
    fn emit(&self, manager: &LoginManager<U>, event: Event<'_, U>);
}

impl<U: LoginUser> Emit<U> for Request<'_> {
    fn emit(&self, manager: &LoginManager<U>, event: Event<'_, U>) {
        manager.emit(event, self);
    }
}

impl<'r, U: LoginUser> Login<'r, U> {
    pub(crate) fn of(request: &'r Request<'_>) -> Option<Login<'r, U>> {
        Some(Login {
            manager: LoginManager::of(request)?,
            store: request.rocket().state()?,
            state: Shared::of(request),
            jar: request.cookies(),
            user_agent: user_agent(request),
            events: request,
        })
    }

    /// Logs `user` in and returns whether it did: Flask-Login's `login_user`. It does not if the user
    /// is not active, or if [`LoginStore::begin_session`] returned `None`.
    ///
    /// Always begins a new session and ends the one that the browser came with, which prevents
    /// session fixation. The rest of this request sees the user as logged in.
    ///
    /// # Errors
    ///
    /// If the store did not answer. The user is not logged in then.
    pub async fn log_in(
        &self,
        user: U,
        options: impl Into<LoginOptions>,
    ) -> Result<bool, StoreError<U>> {
        let session = self.new_session(options);
        if !user.is_active() {
            return Ok(false);
        }
        match self.store.begin_session(&user, &session).await? {
            Some(session_id) => self.log_in_with_session(user, session_id, session).await,
            None => Ok(false),
        }
    }

    /// What [`LoginStore::begin_session`] would be given now, for an app that begins the session
    /// itself: see [`log_in_with_session`](Self::log_in_with_session).
    pub fn new_session(&self, options: impl Into<LoginOptions>) -> NewSession<'r> {
        let options = options.into();
        let now = self.now();
        NewSession {
            now,
            expires_at: now + self.manager.lifetime(options.remember),
            remembered: options.remember != Remember::No,
            user_agent: self.user_agent,
            fresh: !options.not_fresh,
        }
    }

    /// Like [`log_in`](Self::log_in), with a session that the app has begun itself, for example in
    /// the transaction that also created the user.
    ///
    /// # Errors
    ///
    /// If the store did not answer. The user is not logged in then.
    pub async fn log_in_with_session(
        &self,
        user: U,
        session_id: String,
        session: NewSession<'_>,
    ) -> Result<bool, StoreError<U>> {
        if !user.is_active() {
            self.store.end_session(&session_id).await?;
            return Ok(false);
        }
        if let Some(old) = self.presented_session().filter(|old| *old != session_id) {
            if let Err(error) = self.store.end_session(&old).await {
                // Nobody will hold the new session's cookie.
                let _ = self.store.end_session(&session_id).await;
                return Err(error);
            }
        }
        let user = Arc::new(user);
        self.keep(
            user.clone(),
            SessionCookie {
                session_id,
                expires_at: session.expires_at,
                authenticated_at: session.fresh.then_some(session.now),
                remembered: session.remembered,
                user_agent_hash: user_agent_hash(session.user_agent),
            },
        );
        self.events.emit(self.manager, Event::LoggedIn(&user));
        Ok(true)
    }

    /// Makes the login fresh, because the user has typed the password again: Flask-Login's
    /// `confirm_login`. The session goes on under a new id, and expires when it would have.
    ///
    /// Returns whether there was a session to confirm.
    ///
    /// # Errors
    ///
    /// If the store did not answer. The login is as fresh as before then.
    pub async fn confirm(&self) -> Result<bool, StoreError<U>> {
        let Some((user, old)) = self.current() else { return Ok(false) };
        let renewed = NewSession {
            now: self.now(),
            expires_at: old.expires_at,
            remembered: old.remembered,
            user_agent: self.user_agent,
            fresh: true,
        };
        let Some(session_id) = self.store.renew_session(&old.session_id, &renewed).await? else {
            return Ok(false);
        };
        self.keep(
            user.clone(),
            SessionCookie {
                session_id,
                authenticated_at: Some(renewed.now),
                user_agent_hash: user_agent_hash(renewed.user_agent),
                ..old
            },
        );
        self.events.emit(self.manager, Event::Confirmed(&user));
        Ok(true)
    }

    /// Goes on under `session_id`, with which the app has replaced the session's id in its store, for
    /// example in the transaction that changed the password. Returns whether there was a session.
    pub fn replace_session(&self, session_id: String) -> bool {
        let Some((user, old)) = self.current() else { return false };
        self.keep(user, SessionCookie { session_id, ..old });
        true
    }

    /// Logs out, in the store and in the browser: Flask-Login's `logout_user`. Returns whether a
    /// session ended. Works for anonymous users too.
    ///
    /// # Errors
    ///
    /// If the store did not answer. The user is still logged in then.
    pub async fn log_out(&self) -> Result<bool, StoreError<U>> {
        let ended = match self.presented_session() {
            Some(session_id) => self.store.end_session(&session_id).await?,
            None => false,
        };
        let user = self.user();
        self.manager.config.cookie.remove(self.jar);
        self.state.set(AuthState::Anonymous);
        if ended {
            self.events.emit(self.manager, Event::LoggedOut(user.as_deref()));
        }
        Ok(ended)
    }

    /// The user, if one is logged in.
    pub fn user(&self) -> Option<Arc<U>> {
        match &*self.state.lock() {
            AuthState::LoggedIn { user, .. } => Some(user.clone()),
            _ => None,
        }
    }

    /// Whether the user typed the password a short while ago, in this browser: Flask-Login's
    /// `login_fresh`.
    pub fn is_fresh(&self) -> bool {
        self.fresh_until().is_some_and(|end| self.now() <= end)
    }

    /// Until when the login is or was fresh, in seconds since 1970 UTC.
    pub fn fresh_until(&self) -> Option<i64> {
        let settings = &self.manager.config.settings;
        let (_, session) = self.current()?;
        let moved = session.user_agent_hash != user_agent_hash(self.user_agent);
        if moved && settings.session_protection != SessionProtection::None {
            return None;
        }
        session.authenticated_at.map(|time| time + i64::from(settings.fresh_for.get()))
    }

    /// Whether the login outlives the browser: Flask-Login's `login_remembered`.
    pub fn is_remembered(&self) -> bool {
        self.current().is_some_and(|(_, session)| session.remembered)
    }

    /// When the login ends at the latest, in seconds since 1970 UTC.
    pub fn expires_at(&self) -> Option<i64> {
        self.current().map(|(_, session)| session.expires_at)
    }

    /// The id of the session, as [`LoginStore::begin_session`] returned it. A user from
    /// [`LoginStore::load_from_request`] has no session.
    pub fn session_id(&self) -> Option<String> {
        self.current().map(|(_, session)| session.session_id)
    }

    fn now(&self) -> i64 {
        self.manager.config.clock.now()
    }

    /// The user and the session, if there are both.
    fn current(&self) -> Option<(Arc<U>, SessionCookie)> {
        match &*self.state.lock() {
            AuthState::LoggedIn { user, session } => Some((user.clone(), session.clone()?)),
            _ => None,
        }
    }

    /// The id of the session that this request has begun or came with, even if its user is gone.
    fn presented_session(&self) -> Option<String> {
        let current = self.current().map(|(_, session)| session);
        let session = current.or_else(|| self.manager.config.cookie.open(self.jar, self.now()));
        session.map(|session| session.session_id)
    }

    /// Sets the cookie, and tells the rest of this request.
    fn keep(&self, user: Arc<U>, session: SessionCookie) {
        self.manager.config.cookie.set(self.jar, &session, self.now());
        self.state.set(AuthState::LoggedIn { user, session: Some(session) });
    }
}
