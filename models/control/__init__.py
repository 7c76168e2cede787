"""The control plane of a site: who is a member, gossiped by registries to an agent on every host.

Read `storm` first: a registry, its agents, and what makes their gossip a storm. `deployment` lays
them beside a store, so that scenarios and experiments meet the two together.
"""

from models.control.deployment import store_with_registry
from models.control.storm import Agent, AgentOptions, Registry, RegistryOptions, Storm, View, ViewSeen

__all__ = [
    "Agent",
    "AgentOptions",
    "Registry",
    "RegistryOptions",
    "Storm",
    "View",
    "ViewSeen",
    "store_with_registry",
]
