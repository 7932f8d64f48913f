"""Studies, their records, the statistics over them and the claims they decide."""
