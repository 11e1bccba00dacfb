DROP TABLE audit_log, audit_head;
DROP FUNCTION audit_append, audit_log_is_append_only;
