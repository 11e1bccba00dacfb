DROP TABLE summary_state, summaries;
