"""Listens to notifications as services of OpenStack do, and prints each as a line of JSON. The words: URL, exchange, topics ..."""
import json
import sys

from oslo_config import cfg
import oslo_messaging


class Endpoint:
    def __getattr__(self, priority):
        if priority not in ("audit", "debug", "info", "warn", "error", "critical", "sample"):
            raise AttributeError(priority)

        def hear(ctxt, publisher_id, event_type, payload, metadata):
            heard = {"priority": priority, "publisher_id": publisher_id, "event_type": event_type, "payload": payload}
            sys.stdout.write(json.dumps(heard | {"metadata": metadata}) + "\n")
            sys.stdout.flush()

        return hear


url, exchange, *topics = sys.argv[1:]
conf = cfg.ConfigOpts()
transport = oslo_messaging.get_notification_transport(conf, url=url)
conf([])
conf.set_override("amqp_durable_queues", True, group="oslo_messaging_rabbit")
conf.set_override("heartbeat_timeout_threshold", 0, group="oslo_messaging_rabbit")
targets = [oslo_messaging.Target(topic=topic, exchange=exchange) for topic in topics]
listener = oslo_messaging.get_notification_listener(transport, targets, [Endpoint()], executor="threading")
# One thread: with several, lines would not be in the order of the messages.
listener.start(override_pool_size=1)
listener.wait()
