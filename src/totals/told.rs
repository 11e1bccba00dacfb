//! On which side of a boundary payers and receivers are where their flows do not say it, and those above and
//! below do.

/// Who receives a flow that names nobody: who received its whole, where the other side tells of it, unless another pays, who
/// does not pay further up either, or who received that does. Where the whole names nobody either they have one receiver even so, whoever that is.
const NAMED: &str = "climbed AS (
    SELECT identifier, parent, payers FROM stated WHERE identifier IN (SELECT parent FROM stated WHERE payees IS NULL)
    UNION
    SELECT climbed.identifier, whole.parent, whole.payers FROM climbed JOIN stated whole ON whole.identifier = climbed.parent),
  paying AS (SELECT identifier, array_agg(payer) AS payers FROM climbed, unnest(payers) AS payer GROUP BY identifier),
  unnamed AS (
    SELECT identifier AS flow, payers AS paid, identifier, parent, incoming, payees, 0 AS height FROM stated WHERE payees IS NULL
    UNION
    SELECT part.flow, coalesce(part.paid, whole.payers), whole.identifier, whole.parent, whole.incoming, whole.payees, part.height + 1
    FROM unnamed part JOIN stated whole ON whole.identifier = part.parent LEFT JOIN paying ON paying.identifier = whole.identifier
    WHERE part.payees IS NULL AND whole.incoming <> part.incoming AND (whole.payers IS NULL OR paying.payers && part.paid) IS NOT FALSE
      AND (whole.payees && part.paid) IS NOT TRUE),
  called AS (
    SELECT stated.identifier, stated.parent, type, amount, currency, giving, took, assumed, parked, itself, stated.incoming, promised, payers,
      coalesce(stated.payees, unnamed.payees, ARRAY[' ' || unnamed.identifier]) AS payees
    FROM stated LEFT JOIN (SELECT DISTINCT ON (flow) * FROM unnamed ORDER BY flow, height DESC) AS unnamed
      ON unnamed.flow = stated.identifier)";
/// Whether a `whole` and a `part` of it tell of the same payment: they name one receiver, who does not pay itself in the
/// part alone.
const SAME: &str = "(whole.payees && part.payees AND whole.itself >= part.itself)";
/// Where a receiver is that only the payer's own activity tells of: there, unless what tells of the same payment says
/// another place, below or above.
const ASSUMED: &str = "same AS MATERIALIZED (
    SELECT whole.identifier AS whole, part.identifier AS part FROM called part JOIN called whole ON whole.identifier = part.parent
    WHERE {same}),
  lower AS (
    SELECT identifier AS flow, identifier, took FROM called WHERE took IS NULL AND assumed IS NOT NULL
    UNION
    SELECT lower.flow, called.identifier, called.took
    FROM lower JOIN same ON same.whole = lower.identifier JOIN called ON called.identifier = same.part WHERE lower.took IS NULL),
  higher AS (
    SELECT identifier AS flow, identifier, took FROM called WHERE took IS NULL AND assumed IS NOT NULL
    UNION
    SELECT higher.flow, called.identifier, called.took
    FROM higher JOIN same ON same.part = higher.identifier JOIN called ON called.identifier = same.whole WHERE higher.took IS NULL),
  other AS (
    SELECT DISTINCT flow, took FROM (SELECT * FROM lower UNION ALL SELECT * FROM higher) AS every WHERE took IS NOT NULL),
  named AS (
    SELECT called.*, coalesce(called.took, CASE WHEN other.flow IS NULL THEN called.assumed END) AS taking
    FROM called LEFT JOIN other ON other.flow = called.identifier AND other.took <> called.assumed)";
/// Whether the part says something of it that the whole does not.
const TELLS: &str =
    "{same} AND (whole.giving IS NULL AND part.giving IS NOT NULL OR whole.taking IS NULL AND part.taking IS NOT NULL)";

/// Where payer and receiver of a flow are that does not say it itself: where the parts do that tell of the same payment,
/// if all of these say one, and come to most of it or are in another currency; or else, of a receiver, where the
/// nearest whole does that names the same one. `partly`: of a receiver some parts say where it is, and others may differ.
const TOLD: &str = "said AS (
    SELECT whole.identifier, whole.parent, whole.payees, whole.itself, part.identifier AS teller, part.amount, part.currency,
      part.incoming AS told_by, CASE WHEN whole.giving IS NULL THEN part.giving END AS giving,
      CASE WHEN whole.taking IS NULL THEN part.taking END AS taking
    FROM named part JOIN named whole ON whole.identifier = part.parent
    WHERE {tells}
    UNION
    SELECT whole.identifier, whole.parent, whole.payees, whole.itself, part.teller, part.amount, part.currency,
      part.told_by, CASE WHEN whole.giving IS NULL THEN part.giving END,
      CASE WHEN whole.taking IS NULL THEN part.taking END
    FROM said part JOIN named whole ON whole.identifier = part.parent
    WHERE {tells}),
  agreed AS (
    SELECT part.identifier, {giving} AS giving, {taking} AS taking, bool_or(part.taking) IS NOT NULL AS partly
    FROM said part JOIN named whole ON whole.identifier = part.identifier GROUP BY part.identifier, whole.amount),
  placed AS MATERIALIZED (
    SELECT named.identifier, parent, payees, coalesce(named.giving, agreed.giving) AS giving,
      coalesce(named.taking, agreed.taking) AS taking, coalesce(partly, false) AS partly
    FROM named LEFT JOIN agreed ON agreed.identifier = named.identifier),
  heard AS (
    SELECT identifier, parent, payees, taking FROM placed WHERE taking IS NULL AND parent IS NOT NULL
    UNION
    SELECT part.identifier, whole.parent, whole.payees, whole.taking
    FROM heard part JOIN placed whole ON whole.identifier = part.parent WHERE part.taking IS NULL AND whole.payees && part.payees),
  told AS (
    SELECT named.identifier, named.parent, named.type, named.payees, named.payers, itself, parked, promised,
      placed.giving, coalesce(placed.taking, heard.taking) AS taking, partly
    FROM named JOIN placed USING (identifier)
      LEFT JOIN heard ON heard.identifier = named.identifier AND heard.taking IS NOT NULL)";
/// What parts say of a `{side}` of their whole: a tenth may be a fee, and what the other side tells in its own currency is all.
const AGREED: &str = "CASE WHEN bool_and(part.{side}) = bool_or(part.{side})
      AND (bool_or(part.told_by <> whole.incoming AND part.currency <> whole.currency) FILTER (WHERE part.{side} IS NOT NULL)
        OR sign(whole.amount) * sum(part.amount) FILTER (WHERE part.{side} IS NOT NULL AND part.currency = whole.currency)
          >= 0.9 * abs(whole.amount)) THEN bool_and(part.{side}) END";
/// Where a part comes from whose payer is nobody knows where: from where the whole went, of whichever type that is. Where
/// both tell of one payment, it comes from where the whole does; and so does what went nobody knows where.
const ORIGIN: &str = "origin AS (
    SELECT identifier, parent, payees, itself, giving, false AS open FROM told WHERE giving IS NULL AND parent IS NOT NULL
    UNION
    SELECT part.identifier, whole.parent, whole.payees, whole.itself,
      CASE WHEN {same} THEN whole.giving ELSE coalesce(whole.taking, CASE WHEN NOT whole.partly THEN whole.giving END) END,
      NOT {same} AND whole.taking IS NULL AND whole.partly
    FROM origin part JOIN told whole ON whole.identifier = part.parent WHERE part.giving IS NULL AND NOT part.open),
  ends AS (
    SELECT *, NOT giving AND taking AND NOT parked AS enters FROM (
      SELECT told.identifier, told.parent, told.type, coalesce(told.giving, origin.giving, CASE WHEN origin.open IS NOT TRUE THEN {unknown} END) AS giving,
        coalesce(told.taking, {unknown}) AS taking, told.parked, told.promised, told.payers, told.payees
      FROM told LEFT JOIN origin ON origin.identifier = told.identifier AND (origin.giving IS NOT NULL OR origin.open)) AS every)";

/// The sides of flows, with what parts and wholes say of them.
pub fn sides() -> String {
    let of = |side: &str| AGREED.replace("{side}", side);
    format!("{NAMED}, {}, {}", filled(ASSUMED), filled(TOLD))
        .replace("{giving}", &of("giving"))
        .replace("{taking}", &of("taking"))
}

/// The same with where payers have it from of whom nobody says where they are; `unknown` if nothing says it.
pub fn ends(unknown: &str) -> String {
    filled(ORIGIN).replace("{unknown}", unknown)
}

fn filled(sql: &str) -> String {
    sql.replace("{tells}", TELLS).replace("{same}", SAME)
}
