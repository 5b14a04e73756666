from funboost import BoostersManager, PublisherParams

resize = BoostersManager.get_cross_project_publisher(PublisherParams(queue_name="resize"))


# region forward
def old_resize(path, width=800):
    """The body of the old task, while old programs still publish it: it passes the call on."""
    resize.publish({"path": path, "width": width})
    # endregion


if __name__ == "__main__":
    old_resize("a.png", width=400)
    old_resize("b.png")
    assert resize.get_message_count() == 2
