//! Which flows count: the lowest level that is reported, and nothing that is only parked.

/// A flow is replaced by the parts of its own type that it has, or its parts have, of whichever type these are,
/// unless all of them are only parked: what an organisation moves to itself, as an organisation or as a beneficiary.
const RULES: &str = "CASE WHEN {has_parts} THEN 'replaced' WHEN {parked} THEN 'parked' END";
/// Whether payer and receiver of a flow are one.
pub const ITSELF: &str = "(t.doc #>> '{provider,organisation}' = t.doc #>> '{receiver,organisation}'
    OR t.doc #>> '{provider,organisation}' = rb.organisation OR pb.organisation = t.doc #>> '{receiver,organisation}'
    OR pb.organisation = rb.organisation OR t.doc #>> '{provider,beneficiary}' = t.doc #>> '{receiver,beneficiary}')";
/// Whether it is only parked with them: what somebody spends itself is spent.
pub const PARKED: &str = "({itself} AND t.type <> 'expenditure')";
/// Who they are as organisations.
pub const SELVES: &str = "
  LEFT JOIN beneficiaries pb ON pb.identifier = t.doc #>> '{provider,beneficiary}'
  LEFT JOIN beneficiaries rb ON rb.identifier = t.doc #>> '{receiver,beneficiary}'";

/// Whether a flow has such parts. Most have none at all, which is seen at once.
const HAS_PARTS: &str =
    "EXISTS (SELECT FROM transactions c WHERE c.parent = t.identifier) AND EXISTS (
    WITH RECURSIVE below AS (
      SELECT c.identifier, t.type AS wanted FROM transactions c WHERE c.parent = t.identifier
      UNION
      SELECT c.identifier, below.wanted FROM below JOIN transactions c ON c.parent = below.identifier)
    SELECT FROM below JOIN transactions t USING (identifier) {selves} WHERE t.type = below.wanted AND {parked} IS NOT TRUE)";
/// The same for the past, which has no index of parents: what has parts is looked up once for all.
pub const WHOLES: &str = "wholes AS MATERIALIZED (
    WITH RECURSIVE up AS (
      SELECT t.parent AS identifier, t.type FROM transactions t {selves} WHERE t.parent IS NOT NULL AND {parked} IS NOT TRUE
      UNION
      SELECT t.parent, up.type FROM up JOIN transactions t USING (identifier) WHERE t.parent IS NOT NULL)
    SELECT * FROM up)";
/// Whether a flow has such parts, where those that have are joined to it.
pub const HAD_PARTS: &str = "wholes.identifier IS NOT NULL";

/// What a base of facts leaves open: the dates of amounts, and why a flow does not count.
pub struct Rules {
    dated: &'static str,
    /// Those of all flows, or those of a boundary.
    pub rule: &'static str,
    /// Whether a flow has parts that replace it.
    pub has_parts: &'static str,
}

impl Rules {
    /// Of the register as it is, without a boundary, with amounts dated so.
    pub fn now(dated: &'static str) -> Self {
        Self { dated, rule: RULES, has_parts: HAS_PARTS }
    }

    /// A statement with nothing left open.
    pub fn fill(&self, sql: &str) -> String {
        sql.replace("{dated}", self.dated)
            .replace("{rule}", self.rule)
            .replace("{has_parts}", self.has_parts)
            .replace("{selves}", SELVES)
            .replace("{parked}", PARKED)
            .replace("{itself}", ITSELF)
    }
}
