//! Tests of the running register: the real server, on real PostgreSQL, a
//! database for each test. What holds for all operations is tested by walking
//! the OpenAPI document; the other files hold what is special.

mod administration;
mod answers;
mod authorization;
mod changes;
mod codelists;
mod concurrency;
mod conditional;
mod content;
mod divided;
mod documents;
mod every_list;
mod every_operation;
mod exports;
mod flows;
mod formats;
mod growth;
mod history;
mod http;
mod imports;
mod indicators;
mod input;
mod make;
mod map;
mod merging;
mod money;
mod paging;
mod process;
mod providers;
mod pushing;
mod rates;
mod readme;
mod reference;
mod refusals;
mod results;
mod retries;
mod schema;
mod search;
mod summaries;
mod support;
mod tables;
mod tokens;
mod totals;
mod workbooks;
mod writes;
