//! The sealed cookie: which login it is, and what was true when it was given out.

use std::borrow::Cow;

use rocket::http::{Cookie, CookieJar, SameSite};
use rocket::serde::json::{from_str, to_string};
use rocket::serde::{Deserialize, Serialize};
use rocket::time::{Duration, OffsetDateTime};

/// What the cookie says. Encrypted and authenticated, so it can be believed once it opens.
#[derive(Clone, Serialize, Deserialize)]
#[serde(crate = "rocket::serde")]
pub(super) struct Ticket {
    /// What the app calls this login.
    pub id: String,
    /// When it ends. In here because a browser's word on `Max-Age` is no proof.
    pub expires: i64,
    /// When the password was last typed.
    pub confirmed: i64,
    pub remembered: bool,
    /// The browser that it was given to, as [`browser`] tells it from others.
    pub browser: u64,
}

/// A hash of the `User-Agent` (64-bit FNV-1a, the same in every build), so that the cookie stays small
/// and says nothing of the browser. It tells a careless thief, and not one who sends the same header.
pub(super) fn browser(user_agent: &str) -> u64 {
    user_agent.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3)
    })
}

/// The cookie that holds a [`Ticket`].
pub(super) struct TicketCookie {
    pub name: &'static str,
    pub secure: bool,
}

impl TicketCookie {
    /// Over HTTPS the name starts with `__Host-`: no other host and no plain connection can then
    /// put a cookie in its place (RFC 6265bis, 4.1.3.2).
    fn name(&self) -> Cow<'static, str> {
        if self.secure { format!("__Host-{}", self.name).into() } else { self.name.into() }
    }

    /// The ticket that came with the request, if it opens and has not ended.
    ///
    /// Time is counted in whole seconds here, so the last one is over only when the next one begins: no
    /// login ends before its time.
    pub fn open(&self, jar: &CookieJar<'_>, now: i64) -> Option<Ticket> {
        // Never `get_pending`: it takes a cookie in clear for a sealed one.
        let cookie = jar.get_private(&self.name())?;
        from_str(cookie.value()).ok().filter(|ticket: &Ticket| now <= ticket.expires)
    }

    /// Sets `ticket`, for as long as it is remembered.
    pub fn give(&self, jar: &CookieJar<'_>, ticket: &Ticket, now: i64) {
        let mut cookie = self.holding(ticket);
        if ticket.remembered {
            let left = Duration::seconds(ticket.expires - now);
            cookie.set_max_age(left);
            cookie.set_expires(OffsetDateTime::now_utc() + left);
        } else {
            // Left alone, Rocket makes a private cookie last for a week.
            cookie.set_expires(None);
        }
        jar.add_private(cookie);
    }

    /// Takes it back from the browser, which ignores a removal with other attributes.
    pub fn take_back(&self, jar: &CookieJar<'_>) {
        jar.remove_private(self.cookie(String::new()));
    }

    /// The cookie, not sealed yet.
    pub fn holding(&self, ticket: &Ticket) -> Cookie<'static> {
        // Strings, numbers and a flag: if ever this failed, the visitor would stay anonymous.
        self.cookie(to_string(ticket).unwrap_or_default())
    }

    fn cookie(&self, value: String) -> Cookie<'static> {
        Cookie::build((self.name(), value))
            .path("/")
            .http_only(true)
            .same_site(SameSite::Lax)
            .secure(self.secure)
            .build()
    }
}
