//! The Aid Register: an open register of development assistance.
//!
//! A request reads downward through these modules:
//!
//! - [`app`] the server and its layers; [`api`] every route there is; [`state`] what
//!   handlers share
//! - [`resource`] what is the same for every collection: list, show, put, patch, remove
//! - [`history`] versions of a record, and what changed between two; [`changes`] the feed of
//!   all of them, [`watch`] how far it is
//! - [`http`] what came in and in which form to answer; [`auth`] who may write,
//!   [`administration`] publishers and their clients
//! - [`page`], [`export`] lists as pages and as streams; [`formats`] which bytes; [`dumps`] all of it as files
//! - [`search`] text in Cyrillic, Latin or ASCII, over one collection or all
//! - [`rates`] exchange rates, and amounts in one currency
//! - [`totals`] sums that count nothing twice; [`results`] what indicators say
//! - [`merge`] two records of one body become one
//! - [`imports`] many records at once, [`idempotency`] answers that can be asked for again
//! - [`input`] a record from bytes to a checked document: [`json`] form, [`shape`]
//!   schema, [`record`] the values, parts and rules that records are made of
//! - [`kind`] what a collection is to the rest; [`collections`] the ten of them
//! - [`store`] questions to the database and changes of it; [`db`] connections
//! - [`error`] every failure, as one problem document; [`hint`] "did you mean";
//!   [`digest`] for tags
//! - [`openapi`] the document of all this, [`catalogue`] what there is; [`codelists`] code lists, [`codes`] what is one
//! - [`cli`] the commands, [`config`] the settings, [`content`] loading files,
//!   [`postgres`] a database server of one's own

pub mod administration;
pub mod api;
pub mod app;
pub mod auth;
pub mod catalogue;
pub mod changes;
pub mod cli;
pub mod codelists;
pub mod codes;
pub mod collections;
pub mod config;
pub mod content;
pub mod db;
pub mod digest;
pub mod dumps;
pub mod error;
pub mod export;
pub mod formats;
pub mod hint;
pub mod history;
pub mod http;
pub mod idempotency;
pub mod imports;
pub mod input;
pub mod json;
pub mod kind;
pub mod merge;
pub mod openapi;
pub mod page;
pub mod postgres;
pub mod rates;
pub mod record;
pub mod resource;
pub mod results;
pub mod search;
pub mod shape;
pub mod state;
pub mod store;
pub mod totals;
pub mod watch;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// The version of the API, in every response.
pub const API_VERSION: &str = env!("CARGO_PKG_VERSION");
