"""From a single-use token to a certificate: key, CSR, proof, and retries without end."""
