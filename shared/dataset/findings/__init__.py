"""What is wrong with a dataset, as values: findings, their table, how they are kept and quoted."""
