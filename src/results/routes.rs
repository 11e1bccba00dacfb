//! `GET /v1/indicators/{identifier}/progress`.

use std::collections::BTreeMap;
use std::time::Duration;

use actix_web::web::{self, Data};
use actix_web::{HttpRequest, HttpResponse};
use diesel_async::AsyncPgConnection;
use serde_json::{Value, json};
use tokio::sync::Semaphore;
use tokio::time::timeout;

use super::observed::{Cells, Observed, cells};
use super::read::{self, Known, Wanted};
use super::written::{self, Writer};
use super::{checks, progress, roll_up};
use crate::collections::{observations, shared};
use crate::error::{Fault, Problem};
use crate::formats::Format;
use crate::http::query::Query;
use crate::http::{identifier, negotiate};
use crate::kind::Filter;
use crate::page;
use crate::state::State;
use crate::store::ask::Ask;
use crate::store::past::{self, AsOf};
use crate::totals::METHOD;

/// So many answers are made at a time; others wait, and then are told to come again.
static COMPARING: Semaphore = Semaphore::const_new(2);
const PATIENCE: Duration = Duration::from_secs(5);

/// The filters of observations that hold here too.
pub fn filters() -> impl Iterator<Item = &'static Filter> {
    observations::KIND.all_filters().filter(|filter| filter.name != "indicator")
}

/// Values against targets over time, parts against wholes, and what feeds the indicator.
pub async fn progress(request: HttpRequest, state: Data<State>) -> Result<HttpResponse, Problem> {
    let known = filters().map(|filter| filter.name).chain(["as_of"]);
    let (query, mut wrong) = Query::parse_on(request.query_string(), known);
    let as_of = AsOf::read(&query).map_err(|fault| wrong.push(fault)).unwrap_or_default();
    let ask = Ask::filters(&observations::KIND, &query).map_err(|faults| Problem::invalid(faults).and(&wrong))?;
    let undated = shared::PERIOD.iter().fold(query.clone(), |query, filter| query.without(filter.name));
    let undated = Ask::filters(&observations::KIND, &undated).map_err(Problem::invalid)?;
    let ask = Wanted { all: ask, undated };
    if !wrong.is_empty() {
        return Err(Problem::invalid(wrong));
    }
    negotiate::json(&request)?;
    let identifier = identifier::from_path(&request)?;
    if let Some(as_of) = as_of {
        as_of.settle(&state.db).await?;
    }
    let reads = async |connection: &mut AsyncPgConnection| read::known(connection, &identifier, &ask).await;
    let found = past::read(&mut *state.db.get_for_totals().await?, as_of, reads).await;
    let known = found.map_err(|problem| problem.redirected(&request))?;
    let (base, itself) = (state.base(&request), page::link(&state.address(&request), &query, None));
    // Thousands of observations are compared with one another: not where others wait.
    let busy = || Problem::unavailable("Much is being compared; try again in a moment");
    let _turn = timeout(PATIENCE, COMPARING.acquire()).await.map_err(|_| busy())?.map_err(|_| busy())?;
    let body = web::block(move || serde_json::to_vec(&answer(&known, &base, &itself)?).map_err(Problem::internal));
    let body = body.await.map_err(Problem::internal)??;
    Ok(page::respond(Format::Json, body, None))
}

fn answer(known: &Known, base: &str, itself: &str) -> Result<Value, Problem> {
    let writer = Writer::new(known, base);
    let (indicator, feeding) = (&known.indicators[0], known.indicators[1..].iter().collect::<Vec<_>>());
    let mut by_indicator: BTreeMap<&str, Vec<Observed>> = BTreeMap::new();
    for one in &known.observed {
        by_indicator.entry(&one.record.indicator.0).or_default().push(one.clone());
    }
    let all: BTreeMap<&str, Cells<'_>> =
        by_indicator.iter().map(|(identifier, observed)| (*identifier, cells(observed, &known.above))).collect();
    let none = Cells::new();
    let own = all.get(indicator.identifier.0.as_str()).unwrap_or(&none);
    let refusals = if feeding.is_empty() { Vec::new() } else { roll_up::refusals(indicator, &feeding) };
    let rolled = match refusals.is_empty() {
        true => roll_up::roll_up(indicator, &known.indicators, &all, &known.above),
        false => Vec::new(),
    };
    let series = progress::series(indicator, own, &known.above, &rolled).ok_or_else(|| {
        let words = "these observations make too many wholes: filter them by place, kind or dates".to_owned();
        Problem::invalid(vec![Fault { code: "observations_too_many".into(), detail: words, ..Fault::default() }])
    })?;
    let checks = if indicator.additive { checks::checks(own, &known.above) } else { Vec::new() };
    let roll_up = (!feeding.is_empty()).then(|| written::roll_up(&feeding, &refusals, &rolled));
    Ok(json!({
        "identifier": indicator.identifier,
        "title": indicator.title,
        "measure": indicator.measure,
        "unit": indicator.unit,
        "direction": indicator.direction,
        "additive": indicator.additive,
        "data": series.iter().map(|series| writer.series(indicator, series)).collect::<Vec<_>>(),
        "checks": checks.iter().map(|check| writer.check(check)).collect::<Vec<_>>(),
        "roll_up": roll_up,
        "chart": writer.chart(&series),
        "meta": {
            "observations": known.observed.len(),
            "method": {"url": format!("{base}/docs/METHOD.md"), "version": METHOD},
        },
        "links": {"self": itself},
    }))
}
