-- An indicator may feed a wider one: that of a grant the one of its programme.
ALTER TABLE indicators
  ADD COLUMN parent   text COLLATE "C" GENERATED ALWAYS AS (doc ->> 'parent') STORED,
  ADD COLUMN additive boolean NOT NULL GENERATED ALWAYS AS (coalesce((doc ->> 'additive')::boolean, false)) STORED,
  ADD CONSTRAINT indicators_parent_fkey FOREIGN KEY (parent) REFERENCES indicators DEFERRABLE INITIALLY DEFERRED;
CREATE INDEX indicators_parent_idx ON indicators (parent, identifier);
SELECT show_past('indicators');
