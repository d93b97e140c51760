package manager

import (
	"fmt"

	"github.com/orderly-init/orderly/targets"
)

// recoveryText tells what follows a failure: the restarts, and what comes when they are used up.
func recoveryText(r *targets.Recovery) string {
	if r.Action != targets.Restart {
		return actionText(r.Action, r)
	}
	text := fmt.Sprintf("%d attempts in %v, delay %v x %g up to %v, reset after %v", r.Attempts, r.Window, r.Delay, r.Backoff, r.MaxDelay, r.ResetAfter)
	if r.Jitter != 0 {
		text += fmt.Sprintf(", jitter %g", r.Jitter)
	}
	return text + ", then " + actionText(r.Then, r)
}

func actionText(a targets.Action, r *targets.Recovery) string {
	switch a {
	case targets.Restart, targets.Retry:
		return "retry"
	case targets.Escalate:
		return "escalate"
	case targets.Activate:
		return "activate " + r.Target
	case targets.Stop:
		return "stop"
	case targets.Reboot:
		return "reboot"
	case targets.Replace:
		return "replace by " + r.Replacement
	case targets.Ignore:
		return "ignore"
	}
	return ""
}
