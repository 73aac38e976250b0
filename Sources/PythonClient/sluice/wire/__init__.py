"""The daemon's protocol, version 1: frames as bytes, requests and replies as values. Nothing here touches a socket."""
