DROP TABLE idempotency_keys, import_bodies, import_progress, imports;
