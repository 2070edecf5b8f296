//! Who knows a user's password: the one place where users meet passwords.

use crate::db::Db;
use crate::error::Error;
use crate::events::{Event, Events, Why};
use crate::guesses::{Door, Guesses};
use crate::page::Page;
use crate::passwords::{Password, Passwords};
use crate::users::{self, User, Username};

/// Checks names and passwords.
pub struct Authenticator {
    pub db: Db,
    pub passwords: Passwords,
    pub guesses: Guesses,
}

/// Why nobody was recognised.
pub enum Denied {
    /// No such user, or not their password. The visitor is not told which.
    Wrong,
    /// Too many were wrong before: wait so many seconds.
    TooMany(i64),
    /// The check could not be made.
    Failed(Error),
}

impl Authenticator {
    /// The user of that name, if the password is theirs.
    ///
    /// The same work is done for names that nobody has, so that time does not tell them apart.
    pub async fn authenticate(
        &self,
        door: Door,
        username: &str,
        password: &Password,
        events: &Events<'_>,
    ) -> Result<User, Denied> {
        let guess = match self.guesses.begin(door, username, events.address).await {
            Ok(guess) => guess,
            Err(wait) => {
                events.record(Event::Slowed { seconds: wait.seconds });
                return Err(Denied::TooMany(wait.seconds));
            }
        };
        let found = match Username::parse(username) {
            Ok(name) => users::named(&self.db, name).await?,
            Err(_) => None,
        };
        let hash = found.as_ref().map(|user| user.password_hash.clone());
        let is_right = self.passwords.verify(password, hash).await?;
        let (true, Some(mut user)) = (is_right, found.clone()) else {
            guess.wrong();
            let why = if found.is_some() { Why::WrongPassword } else { Why::UnknownName };
            events.record(Event::PasswordRefused { door, user: found.map(|user| user.id), why });
            return Err(Denied::Wrong);
        };
        guess.right();
        if Passwords::is_old(&user.password_hash)
            && let Err(error) = self.renew_hash(&mut user, password).await
        {
            // It works as it is: the next login is another chance.
            rocket::warn!("The hash of user {} was not renewed: {error:?}", user.id);
        }
        Ok(user)
    }

    async fn renew_hash(&self, user: &mut User, password: &Password) -> Result<(), Error> {
        let new = self.passwords.hash(password).await?;
        let old = user.password_hash.clone();
        users::renew_hash(&self.db, user.id, old, new.clone()).await?;
        user.password_hash = new;
        Ok(())
    }
}

impl Denied {
    /// The form again, with `message` for a password that was wrong.
    pub fn on(self, form: Page, message: &'static str) -> Error {
        match self {
            Denied::Wrong => form.flash("danger", message).into(),
            Denied::TooMany(seconds) => {
                let wait = match seconds {
                    1 => "a second".to_owned(),
                    ..=90 => format!("{seconds} seconds"),
                    _ => format!("{} minutes", (seconds + 59) / 60),
                };
                let message = format!("Too many wrong passwords. Try again in {wait}.");
                Error::TooMany(Box::new(form.flash("danger", message)), seconds)
            }
            Denied::Failed(error) => error,
        }
    }
}

impl<E: Into<Error>> From<E> for Denied {
    fn from(cause: E) -> Denied {
        Denied::Failed(cause.into())
    }
}
