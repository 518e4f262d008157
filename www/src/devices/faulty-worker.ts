/** The worker of lastword with faults in front of it. The order of the imports matters. */

import "./faults.js";
import "lastword/worker";
