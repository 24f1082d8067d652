"""Other people's programs that a benchmark runs beside ours, in the same run; absent ones are said to be."""
