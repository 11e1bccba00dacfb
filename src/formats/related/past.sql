-- The past has no indexes: what is looked up for each activity is laid out once.
CREATE TEMPORARY TABLE beside_transactions ON COMMIT DROP AS SELECT identifier, date, grant_id, programme, doc FROM transactions;
CREATE INDEX ON beside_transactions (grant_id);
CREATE INDEX ON beside_transactions (programme);
CREATE TEMPORARY TABLE beside_indicators ON COMMIT DROP AS SELECT identifier, grant_id, programme, doc FROM indicators;
CREATE INDEX ON beside_indicators (grant_id);
CREATE INDEX ON beside_indicators (programme);
CREATE TEMPORARY TABLE beside_observations ON COMMIT DROP AS SELECT identifier, indicator, doc FROM observations;
CREATE INDEX ON beside_observations (indicator);
CREATE TEMPORARY TABLE beside_programmes ON COMMIT DROP AS SELECT identifier, parent, doc FROM programmes;
CREATE INDEX ON beside_programmes (identifier);
CREATE INDEX ON beside_programmes (parent);
CREATE TEMPORARY TABLE beside_grants ON COMMIT DROP AS SELECT identifier, programme FROM grants;
CREATE INDEX ON beside_grants (programme);
CREATE TEMPORARY TABLE beside_links ON COMMIT DROP AS SELECT record, role, target, target_collection FROM links;
CREATE INDEX ON beside_links (record);
ANALYZE beside_transactions, beside_indicators, beside_observations, beside_programmes, beside_grants, beside_links;
