"""A site on several hosts for real, in network namespaces of one machine: docs/topology.md."""
