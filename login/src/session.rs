//! Login, reauthentication and logout.

use std::fmt::Display;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use rocket::Request;
use rocket::http::CookieJar;

use crate::cookie::{SessionCookie, user_agent_hash};
use crate::manager::{Event, LoginManager};
use crate::state::{AuthState, Shared, user_agent};
use crate::{
    AuthError, LoginOptions, LoginStore, LoginUser, NewSession, Remember, SessionProtection,
};

/// The login of this request. The guard always succeeds, unless the store fails.
///
/// The main methods correspond to Flask-Login's `login_user`, `logout_user`, `confirm_login`,
/// `login_fresh` and `login_remembered`. The methods change the store first and the cookie last, so
/// nothing changes for the user if the store fails.
///
/// ```
/// # use rocket::response::Redirect;
/// use rocket_login::{AuthError, Login, LoginUser, Remember};
///
/// /// Logs `user` in after the password check.
/// async fn log_in<U: LoginUser>(user: U, login: Login<'_, U>) -> Result<Redirect, AuthError> {
///     let view = if login.log_in(user, Remember::No).await? { "/dashboard" } else { "/login" };
///     Ok(Redirect::to(view))
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

/// An emitter of events. [`Login`] holds this trait object instead of a `Request`, because a struct
/// with a single lifetime can't hold a `Request` of Rocket 0.5.
trait Emit<U: LoginUser>: Send + Sync {
    fn emit(&self, manager: &LoginManager<U>, event: Event<'_, U>);
}

impl<U: LoginUser> Emit<U> for Request<'_> {
    fn emit(&self, manager: &LoginManager<U>, event: Event<'_, U>) {
        manager.emit(event, self);
    }
}

impl<'r, U: LoginUser> Login<'r, U> {
    /// Returns the login of a request, for use in responders, catchers, fairings and subscribers.
    /// Returns `None` if no `LoginManager<U>` is attached.
    pub fn of(request: &'r Request<'_>) -> Option<Login<'r, U>> {
        Some(Login {
            manager: LoginManager::of(request)?,
            store: request.rocket().state()?,
            state: Shared::of(request),
            jar: request.cookies(),
            user_agent: user_agent(request),
            events: request,
        })
    }

    /// Logs `user` in: Flask-Login's `login_user`. Returns `false` if the user is not active, or if
    /// [`LoginStore::begin_session`] returned `None`.
    ///
    /// To prevent session fixation, a login always begins a new session and ends the browser's
    /// previous session. The user is also logged in for the rest of this request.
    ///
    /// After a login, respond with a page or a redirect. If the handler returns an error status
    /// instead, a catcher responds and Rocket drops the new cookie.
    ///
    /// # Errors
    ///
    /// Returns [`AuthError::Unavailable`] if the store fails, and logs the cause.
    /// The previous login, if any, is unchanged.
    pub async fn log_in(
        &self,
        user: U,
        options: impl Into<LoginOptions>,
    ) -> Result<bool, AuthError> {
        let session = self.new_session(options);
        if !user.is_active() {
            return Ok(false);
        }
        match self.store.begin_session(&user, &session).await.map_err(unavailable)? {
            Some(session_id) => self.log_in_with_session(user, session_id, session).await,
            None => Ok(false),
        }
    }

    /// Describes the session that [`log_in`](Self::log_in) would begin. Use this method if the app
    /// begins the session itself and then calls [`log_in_with_session`](Self::log_in_with_session).
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

    /// Logs `user` in with a session that the app has already begun, for example in the transaction
    /// that created the user. Returns `false` and ends this session if the user is not active.
    /// Otherwise, this method works like [`log_in`](Self::log_in).
    ///
    /// # Errors
    ///
    /// Returns [`AuthError::Unavailable`] if the store fails, and logs the cause.
    /// The previous login, if any, is unchanged.
    pub async fn log_in_with_session(
        &self,
        user: U,
        session_id: String,
        session: NewSession<'_>,
    ) -> Result<bool, AuthError> {
        if !user.is_active() {
            self.end(&session_id).await?;
            return Ok(false);
        }
        if let Some(old) = self.presented_session().filter(|old| *old != session_id) {
            if let Err(error) = self.end(&old).await {
                // Also ends the new session, because its cookie will never be sent.
                let _ = self.end(&session_id).await;
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

    /// Makes the login fresh: Flask-Login's `confirm_login`. Call this method after the user has
    /// entered the password again. The session gets the id that [`LoginStore::renew_session`]
    /// returns. The session's expiry time does not change.
    ///
    /// Returns `false` if the request has no session, or if the session no longer exists.
    ///
    /// # Errors
    ///
    /// Returns [`AuthError::Unavailable`] if the store fails, and logs the cause.
    /// The login stays as fresh as before.
    pub async fn confirm(&self) -> Result<bool, AuthError> {
        let Some((user, old)) = self.current() else { return Ok(false) };
        let renewed = NewSession {
            now: self.now(),
            expires_at: old.expires_at,
            remembered: old.remembered,
            user_agent: self.user_agent,
            fresh: true,
        };
        let new_id = self.store.renew_session(&old.session_id, &renewed).await;
        let Some(session_id) = new_id.map_err(unavailable)? else {
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

    /// Replaces the session id in the cookie. Call this method after the app has replaced the id in
    /// its store, for example in the transaction that changed the password. Returns whether the
    /// request had a session.
    pub fn replace_session(&self, session_id: String) -> bool {
        let Some((user, old)) = self.current() else { return false };
        self.keep(user, SessionCookie { session_id, ..old });
        true
    }

    /// Logs the user out: Flask-Login's `logout_user`. Ends the session in the store and removes
    /// the cookie.
    ///
    /// Returns `false` if the request had no session, or if the session no longer existed.
    ///
    /// # Errors
    ///
    /// Returns [`AuthError::Unavailable`] if the store fails, and logs the cause.
    /// The user remains logged in.
    pub async fn log_out(&self) -> Result<bool, AuthError> {
        let ended = match self.presented_session() {
            Some(session_id) => self.end(&session_id).await?,
            None => false,
        };
        let user = self.user();
        let cookie = &self.manager.config.cookie;
        // Removes the cookie only if the request has a session or a session cookie, because
        // browsers submit a form on another site without the cookie. Such a form must not log the
        // user out.
        if self.current().is_some() || cookie.is_in(self.jar) {
            cookie.remove(self.jar);
            self.state.logged_out.store(true, Ordering::Relaxed);
        }
        self.state.set(AuthState::Anonymous);
        if ended {
            self.events.emit(self.manager, Event::LoggedOut(user.as_deref()));
        }
        Ok(ended)
    }

    /// Returns the user who is logged in, if any.
    pub fn user(&self) -> Option<Arc<U>> {
        match &*self.state.lock() {
            AuthState::LoggedIn { user, .. } => Some(user.clone()),
            _ => None,
        }
    }

    /// Returns whether the user recently entered their password: Flask-Login's `login_fresh`.
    ///
    /// If the `User-Agent` differs from the one at login or reauthentication, the login is not
    /// fresh, unless [`session_protection`](crate::Settings::session_protection) is `None`.
    pub fn is_fresh(&self) -> bool {
        self.fresh_until().is_some_and(|end| self.now() <= end)
    }

    /// Returns the last second in which the login is fresh, as a Unix timestamp. This second can be
    /// in the past.
    ///
    /// Returns `None` if the request has no session, or if the user has not entered a password.
    /// Also returns `None` if the login is not fresh because the `User-Agent` differs.
    pub fn fresh_until(&self) -> Option<i64> {
        let settings = &self.manager.config.settings;
        let (_, session) = self.current()?;
        let is_protected = settings.session_protection != SessionProtection::None;
        if is_protected && !self.is_same_user_agent()? {
            return None;
        }
        session.authenticated_at.map(|time| time + i64::from(settings.fresh_for.get()))
    }

    /// Returns whether the `User-Agent` is the same as at login or reauthentication. Returns `None` if
    /// the request has no session.
    pub fn is_same_user_agent(&self) -> Option<bool> {
        let (_, session) = self.current()?;
        Some(session.user_agent_hash == user_agent_hash(self.user_agent))
    }

    /// Returns how many seconds a login is fresh after the user has entered their password: the
    /// setting [`fresh_for`](crate::Settings::fresh_for).
    pub fn fresh_for(&self) -> u32 {
        self.manager.config.settings.fresh_for.get()
    }

    /// Returns whether the login persists after the browser is closed: Flask-Login's
    /// `login_remembered`.
    pub fn is_remembered(&self) -> bool {
        self.current().is_some_and(|(_, session)| session.remembered)
    }

    /// Returns the login's expiry time, as a Unix timestamp in seconds. Returns `None` if the
    /// request has no session.
    pub fn expires_at(&self) -> Option<i64> {
        self.current().map(|(_, session)| session.expires_at)
    }

    /// Returns the session id, as returned by [`LoginStore::begin_session`] or
    /// [`LoginStore::renew_session`]. A user from [`LoginStore::load_from_request`] has no session.
    pub fn session_id(&self) -> Option<String> {
        self.current().map(|(_, session)| session.session_id)
    }

    /// Returns the store, for example to show a setting that only the store has.
    pub fn store(&self) -> &'r U::Store {
        self.store
    }

    async fn end(&self, session_id: &str) -> Result<bool, AuthError> {
        self.store.end_session(session_id).await.map_err(unavailable)
    }

    fn now(&self) -> i64 {
        self.manager.config.clock.now()
    }

    /// Returns the user and the session, if the request has both.
    fn current(&self) -> Option<(Arc<U>, SessionCookie)> {
        match &*self.state.lock() {
            AuthState::LoggedIn { user, session } => Some((user.clone(), session.clone()?)),
            _ => None,
        }
    }

    /// Returns the id of the session that this request began or presented, even if the session's
    /// user no longer exists.
    fn presented_session(&self) -> Option<String> {
        let current = self.current().map(|(_, session)| session);
        let session = current.or_else(|| self.manager.config.cookie.open(self.jar, self.now()));
        session.map(|session| session.session_id)
    }

    /// Sets the session cookie and the state of this request.
    fn keep(&self, user: Arc<U>, session: SessionCookie) {
        self.manager.config.cookie.set(self.jar, &session, self.now());
        self.state.set(AuthState::LoggedIn { user, session: Some(session) });
    }
}

/// Logs why the store failed, and returns [`AuthError::Unavailable`].
pub(crate) fn unavailable(cause: impl Display) -> AuthError {
    rocket::error!("The user store failed: {cause}");
    AuthError::Unavailable
}
