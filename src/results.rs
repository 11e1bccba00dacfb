//! Results: what an indicator's observations say together. Values against targets over
//! time, parts that must add up to their whole, and what feeds a wider indicator.
//! The rules stand in `docs/METHOD.md`.
//!
//! [`read`] brings the observations; [`observed`] says which of them are in use and which
//! are parts of others; [`progress`] holds values against targets, [`checks`] parts
//! against wholes, [`roll_up`] indicators against those that feed them; [`routes`] answers.

pub mod checks;
pub mod observed;
pub mod progress;
pub mod read;
pub mod roll_up;
pub mod routes;
pub mod written;
