import copy

from funboost import BoosterParams, boost
from funboost.utils.class_utils import ClsHelper

from funboost_core import default


class Report:
    rate = 2

    def __init__(self, year: int) -> None:
        self.obj_init_params = ClsHelper.get_obj_init_params_for_funboost(copy.copy(locals()))  # {"year": year}
        self.year = year

    @boost(BoosterParams(queue_name="report_add", is_using_rpc_mode=True))
    def add(self, number: int) -> int:
        return self.year + number

    @classmethod
    @boost(BoosterParams(queue_name="report_convert", is_using_rpc_mode=True))
    def convert(cls, number: int) -> int:
        return cls.rate * number

    @staticmethod
    @boost(BoosterParams(queue_name="report_double", is_using_rpc_mode=True))
    def double(number: int) -> int:
        return 2 * number


if __name__ == "__main__":
    assert Report(2030).add(1) == 2031  # still a method

    for task in (Report.add, Report.convert, Report.double):
        task.consume()
    assert Report.add.push(Report(2030), 1).result == 2031  # with the object
    assert Report.convert.push(Report, 5).result == 10  # with the class
    assert Report.double.push(5).result == 10
    default().worker.stop()
