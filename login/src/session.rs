//! Logging in, reauthenticating and logging out.

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
/// Its main methods correspond to Flask-Login's `login_user`, `logout_user`, `confirm_login`,
/// `login_fresh` and `login_remembered`. They change the store first and the cookie last, so nothing
/// changes for the user if the store fails.
///
/// ```
/// # use rocket::response::Redirect;
/// use rocket_login::{AuthError, Login, LoginUser, Remember};
///
/// /// Called once the password has been checked.
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

/// Emits an event. A trait object, because a struct with one lifetime can't hold a `Request` of
/// Rocket 0.5.1.
trait Emit<U: LoginUser>: Send + Sync {
    fn emit(&self, manager: &LoginManager<U>, event: Event<'_, U>);
}

impl<U: LoginUser> Emit<U> for Request<'_> {
    fn emit(&self, manager: &LoginManager<U>, event: Event<'_, U>) {
        manager.emit(event, self);
    }
}

impl<'r, U: LoginUser> Login<'r, U> {
    /// The login of a request, for responders, catchers, fairings and subscribers. `None` if no
    /// manager for `U` is attached.
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
    /// A login always begins a new session and ends the previous one of the same browser, which
    /// prevents session fixation. The user is logged in for the rest of this request too.
    ///
    /// Respond with a page or a redirect afterwards. If the handler returns a bare error status, a
    /// catcher responds, and Rocket drops the new cookie.
    ///
    /// # Errors
    ///
    /// [`AuthError::Unavailable`] if the store fails, with the cause in the log.
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

    /// Describes the session that [`log_in`](Self::log_in) would begin. For apps that begin it
    /// themselves and then call [`log_in_with_session`](Self::log_in_with_session).
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
    /// that created the user. Otherwise like [`log_in`](Self::log_in).
    ///
    /// # Errors
    ///
    /// [`AuthError::Unavailable`] if the store fails, with the cause in the log.
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
                // The cookie of the new session will never be sent, so end that session too.
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

    /// Makes the login fresh: Flask-Login's `confirm_login`. Call it after the user has entered the
    /// password again. The session gets the id that [`LoginStore::renew_session`] returns, and still
    /// expires when it would have.
    ///
    /// Returns `false` if there is no session, or if it no longer exists.
    ///
    /// # Errors
    ///
    /// [`AuthError::Unavailable`] if the store fails, with the cause in the log.
    /// The login is as fresh as before.
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

    /// Continues the session under `session_id`. For apps that have replaced its id in their store,
    /// for example in the transaction that changed the password. Returns whether there was a session.
    pub fn replace_session(&self, session_id: String) -> bool {
        let Some((user, old)) = self.current() else { return false };
        self.keep(user, SessionCookie { session_id, ..old });
        true
    }

    /// Logs out: Flask-Login's `logout_user`. Ends the session in the store and removes the cookie.
    /// Returns whether a session ended: `false` if the request had none, or if it no longer existed.
    ///
    /// # Errors
    ///
    /// [`AuthError::Unavailable`] if the store fails, with the cause in the log.
    /// The user remains logged in.
    pub async fn log_out(&self) -> Result<bool, AuthError> {
        let ended = match self.presented_session() {
            Some(session_id) => self.end(&session_id).await?,
            None => false,
        };
        let user = self.user();
        let cookie = &self.manager.config.cookie;
        // A form on another site is sent without the cookie, so it must not remove it either.
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

    /// The user, if one is logged in.
    pub fn user(&self) -> Option<Arc<U>> {
        match &*self.state.lock() {
            AuthState::LoggedIn { user, .. } => Some(user.clone()),
            _ => None,
        }
    }

    /// Whether the user recently entered their password, in this browser unless
    /// [`session_protection`](crate::Settings::session_protection) is `None`: Flask-Login's
    /// `login_fresh`.
    pub fn is_fresh(&self) -> bool {
        self.fresh_until().is_some_and(|end| self.now() <= end)
    }

    /// When the login stops or stopped being fresh, as a Unix timestamp in seconds.
    pub fn fresh_until(&self) -> Option<i64> {
        let settings = &self.manager.config.settings;
        let (_, session) = self.current()?;
        let moved = session.user_agent_hash != user_agent_hash(self.user_agent);
        if moved && settings.session_protection != SessionProtection::None {
            return None;
        }
        session.authenticated_at.map(|time| time + i64::from(settings.fresh_for.get()))
    }

    /// Whether the login persists after the browser is closed: Flask-Login's `login_remembered`.
    pub fn is_remembered(&self) -> bool {
        self.current().is_some_and(|(_, session)| session.remembered)
    }

    /// When the login expires, as a Unix timestamp in seconds.
    pub fn expires_at(&self) -> Option<i64> {
        self.current().map(|(_, session)| session.expires_at)
    }

    /// The id of the session, as [`LoginStore::begin_session`] returned it. A user from
    /// [`LoginStore::load_from_request`] has no session.
    pub fn session_id(&self) -> Option<String> {
        self.current().map(|(_, session)| session.session_id)
    }

    async fn end(&self, session_id: &str) -> Result<bool, AuthError> {
        self.store.end_session(session_id).await.map_err(unavailable)
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

    /// The id of the session that this request began or presented, even if its user no longer exists.
    fn presented_session(&self) -> Option<String> {
        let current = self.current().map(|(_, session)| session);
        let session = current.or_else(|| self.manager.config.cookie.open(self.jar, self.now()));
        session.map(|session| session.session_id)
    }

    /// Sets the cookie and the state of this request.
    fn keep(&self, user: Arc<U>, session: SessionCookie) {
        self.manager.config.cookie.set(self.jar, &session, self.now());
        self.state.set(AuthState::LoggedIn { user, session: Some(session) });
    }
}

/// Logs why the store failed.
pub(crate) fn unavailable(cause: impl Display) -> AuthError {
    rocket::error!("The store of users failed: {cause}");
    AuthError::Unavailable
}
