from quadrat.core.heads.scaling import CommonScaler
from sklearn.utils.estimator_checks import parametrize_with_checks


@parametrize_with_checks([CommonScaler()])
def test_keeps_scikit_learns_contract(estimator, check):
    """Apart from the other estimators: scikit-learn looks whether PyTorch is there to try its arrays on a scaler."""
    check(estimator)
