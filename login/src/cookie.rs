//! The session cookie.

use rocket::http::{Cookie, CookieJar, SameSite};
use rocket::serde::json::{from_str, to_string};
use rocket::serde::{Deserialize, Serialize};
use rocket::time::{Duration, OffsetDateTime};
use rocket::{Request, Response};

use crate::PreviousSecretKeys;

/// The content of the session cookie, encrypted and authenticated with the secret key.
///
/// Do not change the JSON field names, because browsers might send cookies that were set weeks ago.
#[derive(Clone, Serialize, Deserialize)]
#[serde(crate = "rocket::serde")]
pub(crate) struct SessionCookie {
    #[serde(rename = "id")]
    pub session_id: String,
    /// The server checks this time, because a client can send a copied cookie after its `Max-Age`.
    #[serde(rename = "expires")]
    pub expires_at: i64,
    /// When the user last entered their password. `None` after a login that was not fresh.
    #[serde(rename = "confirmed")]
    pub authenticated_at: Option<i64>,
    pub remembered: bool,
    #[serde(rename = "browser")]
    pub user_agent_hash: u64,
}

fn parse(cookie: &Cookie<'_>, now: i64) -> Option<SessionCookie> {
    from_str(cookie.value()).ok().filter(|session: &SessionCookie| now <= session.expires_at)
}

/// Returns the 64-bit FNV-1a hash of a `User-Agent`, which is the same in every build.
///
/// The cookie contains a hash instead of the `User-Agent`, so that the cookie is small. If the hash
/// differs, the cookie was stolen or the browser was updated. The hash does not detect an attacker
/// who also copies the `User-Agent`.
pub(crate) fn user_agent_hash(user_agent: &str) -> u64 {
    user_agent.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3)
    })
}

/// The name and the attributes of the session cookie.
#[derive(Clone)]
pub(crate) struct CookieConfig {
    pub name: String,
    pub secure: bool,
    pub previous_keys: PreviousSecretKeys,
}

impl CookieConfig {
    /// Reads the request's session cookie. Returns `None` if the cookie is missing, invalid or
    /// expired.
    ///
    /// A cookie is still valid in its last second, so that no login ends early.
    pub fn open(&self, jar: &CookieJar<'_>, now: i64) -> Option<SessionCookie> {
        // Does not use `get_pending`, because `get_pending` falls back to an unencrypted cookie.
        let name = self.full_name();
        if let Some(cookie) = jar.get_private(&name) {
            return parse(&cookie, now);
        }
        let cookie = self.previous_keys.get_private(jar, &name)?;
        // Not fresh. Otherwise, someone who knows a previous key could make a copied cookie fresh.
        parse(&cookie, now).map(|session| SessionCookie { authenticated_at: None, ..session })
    }

    /// Encrypts the session cookie with the current key, if a previous key was needed to open it.
    ///
    /// Skips requests of scripts and for images. The response to such a request could arrive after
    /// the response to a reauthentication, and replace the new cookie.
    pub fn reseal(&self, request: &Request<'_>, session: &SessionCookie, now: i64) {
        let jar = request.cookies();
        let destination = request.headers().get_one("Sec-Fetch-Dest");
        if !self.previous_keys.is_empty()
            && destination.is_none_or(|destination| destination == "document")
            && jar.get_private(&self.full_name()).is_none()
        {
            self.set(jar, session, now);
        }
    }

    /// Returns whether the request has a session cookie, valid or not.
    pub fn is_in(&self, jar: &CookieJar<'_>) -> bool {
        jar.get(&self.full_name()).is_some()
    }

    /// Sets the session cookie.
    pub fn set(&self, jar: &CookieJar<'_>, session: &SessionCookie, now: i64) {
        let mut cookie = self.cookie_with(session);
        if session.remembered {
            let left = Duration::seconds(session.expires_at - now);
            cookie.set_max_age(left);
            cookie.set_expires(OffsetDateTime::now_utc() + left);
        } else {
            // Clears the expiry time, because Rocket's private cookies expire after 1 week by
            // default.
            cookie.set_expires(None);
        }
        jar.add_private(cookie);
    }

    /// Removes the session cookie. The removal repeats the cookie's attributes, because browsers
    /// might ignore a removal with different attributes.
    pub fn remove(&self, jar: &CookieJar<'_>) {
        jar.remove_private(self.cookie(String::new()));
    }

    /// Adds the removal of the session cookie to the headers of `response`, unless `response`
    /// already sets or removes this cookie. Does not use the cookie jar, because Rocket has already
    /// copied the jar's changes into `response`.
    pub fn remove_in(&self, response: &mut Response<'_>) {
        let start = format!("{}=", self.full_name());
        if !response.headers().get("Set-Cookie").any(|cookie| cookie.starts_with(&start)) {
            let mut removal = self.cookie(String::new());
            removal.make_removal();
            response.adjoin_header(&removal);
        }
    }

    /// Builds the unencrypted session cookie.
    pub fn cookie_with(&self, session: &SessionCookie) -> Cookie<'static> {
        // Strings, numbers and booleans always serialize. If serialization ever failed, the cookie
        // would be empty and the user anonymous.
        self.cookie(to_string(session).unwrap_or_default())
    }

    fn cookie(&self, value: String) -> Cookie<'static> {
        Cookie::build((self.full_name(), value))
            .path("/")
            .http_only(true)
            .same_site(SameSite::Lax)
            .secure(self.secure)
            .build()
    }

    /// Returns the cookie's name. Over HTTPS, the name starts with `__Host-`, so that neither
    /// another host nor a plain HTTP connection can replace the cookie (RFC 6265bis, 4.1.3.2).
    fn full_name(&self) -> String {
        if self.secure { format!("__Host-{}", self.name) } else { self.name.clone() }
    }
}
