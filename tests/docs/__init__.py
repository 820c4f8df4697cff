"""The pages: what they link to is there, and what they tell people to type works."""
