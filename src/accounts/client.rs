//! The client of an attempt: its network, and the device cookie of a browser.

use std::net::{IpAddr, Ipv6Addr};

use serde::{Deserialize, Serialize};

use super::hash_queue::LineKey;
use super::{Error, User, sessions};

/// The client that sends a password.
pub struct Client {
    /// The client's network, for the rate limits. `None` if the connection has no IP address.
    pub network: Option<IpAddr>,
    /// The content of the device cookie, if the browser sent one.
    pub device: Option<Device>,
}

/// The users who have logged in in a browser, the most recent first. Failures in other browsers don't
/// block these users here (OWASP, "Slow Down Online Guessing Attacks with Device Cookies").
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct Device(Vec<KnownUser>);

#[derive(Debug, Serialize, Deserialize)]
struct KnownUser {
    id: i64,
    /// A digest of the password hash at the login. After a password change, the user is no longer known
    /// here, because otherwise an attacker who had the old password could collect device cookies, each
    /// with its own limit.
    password_digest: String,
    /// A random token, new for each login, so that an attacker with a copy of the cookie can't block the
    /// user for long. Each user has one, because otherwise a login of one user would reset the count of
    /// another.
    token: String,
}

/// The maximum number of users in a device cookie.
const MAX_USERS: usize = 5;

impl Client {
    /// Describes a client. `address` is replaced by its network, because an internet provider usually
    /// assigns a whole IPv6 network (/64) to a customer.
    pub fn new(address: Option<IpAddr>, device: Option<Device>) -> Client {
        let network = address.map(|address| match address.to_canonical() {
            IpAddr::V6(address) => IpAddr::V6(Ipv6Addr::from(u128::from(address) >> 64 << 64)),
            address => address,
        });
        Client { network, device }
    }

    /// Returns the line in the hash queue for a password of `user`.
    pub(super) fn line(&self, user: Option<&User>) -> LineKey {
        let known = user.filter(|user| self.known_device(user).is_some());
        known.map_or(LineKey::Network(self.network), |user| LineKey::User(user.id))
    }

    /// Returns a token of the device if `user` has logged in there with the current password.
    pub(super) fn known_device(&self, user: &User) -> Option<&str> {
        let Device(users) = self.device.as_ref()?;
        let known = users.iter().find(|known| known.id == user.id)?;
        (known.password_digest == password_digest(user)).then_some(&known.token)
    }
}

impl Device {
    /// Adds a login of `user`.
    ///
    /// # Errors
    ///
    /// Returns an error if the operating system can't supply random bytes.
    pub fn with_login(mut self, user: &User) -> Result<Device, Error> {
        let token = sessions::new_token()?;
        self.0.retain(|known| known.id != user.id);
        self.0.insert(0, KnownUser { id: user.id, password_digest: password_digest(user), token });
        self.0.truncate(MAX_USERS);
        Ok(self)
    }
}

fn password_digest(user: &User) -> String {
    sessions::to_hex(&sessions::hash_token(&user.password_hash)[..16])
}
