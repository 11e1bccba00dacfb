//! What tests start from: a server of their own on a database of their own.

pub mod app;
pub mod client;
pub mod cluster;
pub mod process;

pub use app::TestApp;
pub use client::{Answer, Client, Patience};
