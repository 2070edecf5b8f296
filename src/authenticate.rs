//! Who knows a user's password: the one place where users meet passwords.

use rocket::Request;
use rocket::http::Status;
use rocket::request::{FromRequest, Outcome};

use crate::db::{self, Db};
use crate::error::Error;
use crate::events::{Event, Events, Why};
use crate::guesses::{Door, Guesses};
use crate::page::Page;
use crate::passwords::{self, Password, Passwords, Verdict};
use crate::users::{self, User, Username};

/// Checks names and passwords. A guard that lets everybody in.
pub struct Authenticator<'r> {
    db: &'r Db,
    passwords: &'r Passwords,
    guesses: &'r Guesses,
    events: Events<'r>,
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

impl Authenticator<'_> {
    /// The user of that name, if the password is theirs.
    ///
    /// The same work is done for names that nobody has, so that time does not tell them apart. A
    /// hash of older parameters is renewed.
    ///
    /// # Errors
    ///
    /// Why nobody was recognised.
    pub async fn authenticate(
        &self,
        door: Door,
        username: &str,
        password: &Password,
    ) -> Result<User, Denied> {
        let guess = match self.guesses.begin(door, username, self.events.address).await {
            Ok(guess) => guess,
            Err(wait) => {
                self.events.record(Event::Slowed { seconds: wait.seconds });
                return Err(Denied::TooMany(wait.seconds));
            }
        };
        let found = match Username::parse(username) {
            Ok(name) => users::with_hash(self.db, name).await?,
            Err(_) => None,
        };
        let (user, hash) = found.unzip();
        let verdict = self.passwords.verify(password, hash.clone()).await?;
        let (Verdict::Right { is_old }, Some(user), Some(hash)) = (verdict, &user, hash) else {
            guess.wrong();
            let why = if user.is_some() { Why::WrongPassword } else { Why::UnknownName };
            let user = user.map(|user| user.id);
            self.events.record(Event::PasswordRefused { door, user, why });
            return Err(Denied::Wrong);
        };
        guess.right();
        if is_old {
            let new = self.passwords.hash(password).await?;
            users::renew_hash(self.db, user.id, hash, new).await?;
        }
        Ok(user.clone())
    }
}

impl Denied {
    /// The form again, with `message` for a password that was wrong.
    pub fn on(self, form: Page, message: &'static str) -> Error {
        match self {
            Denied::Wrong => {
                form.status(Status::UnprocessableEntity).flash("danger", message).into()
            }
            Denied::TooMany(seconds) => {
                let wait = match seconds {
                    ..=90 => format!("{seconds} seconds"),
                    _ => format!("{} minutes", (seconds + 59) / 60),
                };
                let message = format!("Too many wrong passwords. Try again in {wait}.");
                Error::Slowed(Box::new(form.flash("danger", message)), seconds)
            }
            Denied::Failed(error) => error,
        }
    }
}

impl From<db::Error> for Denied {
    fn from(cause: db::Error) -> Denied {
        Denied::Failed(cause.into())
    }
}

impl From<passwords::Error> for Denied {
    fn from(cause: passwords::Error) -> Denied {
        Denied::Failed(cause.into())
    }
}

#[rocket::async_trait]
impl<'r> FromRequest<'r> for Authenticator<'r> {
    type Error = ();

    async fn from_request(request: &'r Request<'_>) -> Outcome<Self, ()> {
        let rocket = request.rocket();
        match (rocket.state(), rocket.state(), rocket.state()) {
            (Some(db), Some(passwords), Some(guesses)) => {
                let events = Events::of(request);
                Outcome::Success(Authenticator { db, passwords, guesses, events })
            }
            _ => Outcome::Error((Status::InternalServerError, ())),
        }
    }
}
