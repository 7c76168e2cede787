"""An API server before the store: stages joined by bounded channels that close both ways, on one host or two.

Read `plan` first (which stages there are, and what is refused), then `joining`, which runs a chain of them, and
`stages`, what each does. `server` is the first host, where each request waits for its answer; `link` carries requests
to a second host, `far`, by credit and under a lease. `ticket` is a request on its way, `words` what goes between
hosts, `client` asks; `deployment` lays it all over a topology, before a store.
"""

from models.pipeline.client import ApiClient
from models.pipeline.deployment import api_store
from models.pipeline.far import FarServer
from models.pipeline.joining import Generation, OneWay
from models.pipeline.link import Near
from models.pipeline.options import PipelineOptions
from models.pipeline.plan import Plan, StagePlan, plan_of
from models.pipeline.server import ApiServer
from models.pipeline.words import ApiRequest, Broken

__all__ = [
    "ApiClient",
    "ApiRequest",
    "ApiServer",
    "Broken",
    "FarServer",
    "Generation",
    "Near",
    "OneWay",
    "PipelineOptions",
    "Plan",
    "StagePlan",
    "api_store",
    "plan_of",
]
