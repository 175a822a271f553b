"""The laws that every source, operator, detection, playbook, action and policy keeps; public, for your content too."""
