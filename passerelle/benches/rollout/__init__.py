"""`passerelle bench rollout`: plans, the oracle and whole rollouts over virtual networks."""
