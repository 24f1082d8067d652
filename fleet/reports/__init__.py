"""What is signed and sent: the monthly availability report, open data, the deployment against the plan."""
