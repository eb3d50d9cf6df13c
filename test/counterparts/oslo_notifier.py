"""Sends notifications as Nova does: each line of JSON that comes in is one; the event type is printed when it was sent. The words: URL, exchange, topic."""
import json
import sys

from oslo_config import cfg
import oslo_messaging

url, exchange, topic = sys.argv[1:]
oslo_messaging.set_transport_defaults(control_exchange=exchange)
conf = cfg.ConfigOpts()
transport = oslo_messaging.get_notification_transport(conf, url=url)
conf([])
conf.set_override("heartbeat_timeout_threshold", 0, group="oslo_messaging_rabbit")
notifier = oslo_messaging.Notifier(transport, driver="messagingv2", topics=[topic])
for line in sys.stdin:
    one = json.loads(line)
    notify = notifier.prepare(publisher_id=one["publisher_id"])
    notify.info(one["context"], one["event_type"], one["payload"])
    sys.stdout.write(one["event_type"] + "\n")
    sys.stdout.flush()
